//! What lies in the place of mfa-fido where somebody has put it: it does what the word in
//! /run/impostor.orders says. Whatever it does ends by itself within seconds.

use std::error::Error;
use std::io::stdin;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs};

use mfa_core::helper::{Candidate, Failure, MAX_REPLY, MAX_REQUEST, Made, Reply, Request, Task};
use mfa_core::key::{Public, hash};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getppid};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

/// Longer than anybody waits for it.
const LONG: Duration = Duration::from_secs(8);

fn main() -> Result<(), Box<dyn Error>> {
    let socket = UnixDatagram::from(stdin().as_fd().try_clone_to_owned()?);
    let orders = fs::read_to_string("/run/impostor.orders")?;
    if orders == "leave" {
        return Ok(());
    }
    let mut datagram = vec![0; MAX_REQUEST];
    let length = socket.recv(&mut datagram)?;
    let request = Request::decode(&datagram[..length]).map_err(|_| "no request")?;
    let Task::Assert(candidates) = &request.task else { return Err("not to be asserted".into()) };
    let party = hash(candidates[0].relying_party.as_bytes());
    let forged = forge(&candidates[0], &[&party[..], &[5, 0, 0, 0, 9]].concat(), &request.message)?;
    let assertion = |candidate, data: &[u8], signature: &[u8]| {
        Reply::Assertion { candidate, data: data.to_vec(), signature: signature.to_vec() }.encode()
    };
    let fair = assertion(0, &forged.0, &forged.1);
    let say = |datagram: &[u8]| socket.send(datagram).map(drop);
    match orders.as_str() {
        "another key" => say(&fair)?,
        "another kind" => say(&assertion(0, &forged.0, &[7; 64]))?,
        "no signature" => say(&assertion(0, &forged.0, &[]))?,
        "no data" => say(&assertion(0, &[], &forged.1))?,
        "no candidate" => say(&assertion(candidates.len(), &forged.0, &forged.1))?,
        "longer" => say(&[&fair[..], b"\0"].concat())?,
        "shorter" => say(&fair[..fair.len() - 1])?,
        "garbage" => say(&[0xff; 64])?,
        "nothing" => say(&[])?,
        "too long" => say(&vec![4; MAX_REPLY + 1])?,
        "far too long" => say(&vec![4; 100_000])?,
        "made" => say(&Reply::Made(made(candidates[0].public.clone())).encode())?,
        "absent" => say(&Reply::Failed(Failure::Absent).encode())?,
        "replay" => say(&fs::read("/run/impostor.old")?)?,
        "silence" => sleep(LONG),
        "touch and leave" => say(&Reply::Touch.encode())?,
        "touch for ever" => always(&socket, &[Reply::Touch])?,
        "touch and insert for ever" => always(&socket, &[Reply::Touch, Reply::Insert])?,
        "PIN for ever" => always(&socket, &[Reply::NeedPin { left: None, wrong: true }])?,
        // The socket stays open in what outlives this.
        "child" => drop(Command::new("sleep").arg("4").spawn()?),
        "stubborn" => {
            let script = "trap '' HUP INT TERM; exec sleep 8";
            return Err(Command::new("sh").args(["-c", script]).exec().into());
        }
        "kill" => kill(getppid(), Signal::SIGKILL)?,
        "stop" => kill(Pid::this(), Signal::SIGSTOP)?,
        "group" => kill(Pid::from_raw(0), Signal::SIGKILL)?,
        // What it was given: a descriptor, and no more.
        "tell" => {
            let descriptors = fs::read_dir("/proc/self/fd")?.count();
            let status = fs::read_to_string("/proc/self/status")?;
            let variables = env::vars_os().count();
            let arguments: Vec<_> = env::args().collect();
            fs::write(
                "/run/impostor.told",
                format!("{descriptors} {variables} {arguments:?}\n{status}"),
            )?;
        }
        word => return Err(format!("nobody can {word}").into()),
    }
    Ok(())
}

/// A signature of a key of the same kind, which is not the one that was enrolled.
fn forge(
    candidate: &Candidate,
    data: &[u8],
    message: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Box<dyn Error>> {
    let signed = [data, message].concat();
    let signature = match candidate.public {
        Public::Es256(_) => {
            let random = SystemRandom::new();
            let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
            let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| "no key")?;
            let key =
                EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).map_err(|_| "no key")?;
            assert_ne!(candidate.public.as_bytes(), &key.public_key().as_ref()[1..]);
            key.sign(&random, &signed).map_err(|_| "no signature")?.as_ref().to_vec()
        }
        Public::Eddsa(_) => {
            let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).map_err(|_| "no key")?;
            key.sign(&signed).as_ref().to_vec()
        }
    };
    Ok((data.to_vec(), signature))
}

fn made(public: Public) -> Made {
    Made { handle: vec![1], public, flags: 5, counter: 9 }
}

/// Says these in turn, and hears nothing, until nobody listens.
fn always(socket: &UnixDatagram, replies: &[Reply]) -> Result<(), Box<dyn Error>> {
    let since = Instant::now();
    for reply in replies.iter().cycle() {
        socket.send(&reply.encode())?;
        if since.elapsed() > LONG {
            break;
        }
    }
    Ok(())
}
