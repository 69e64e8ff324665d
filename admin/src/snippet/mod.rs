//! `mfactl snippet`: the lines that make a service ask for a code, for whoever pastes them.

mod distro;
mod lines;
mod openvpn;
mod postgresql;
mod sshd;
mod sudo;
mod terminal;
mod text;

#[cfg(test)]
mod tests;

use std::io::Write;

use clap::Subcommand;

use crate::failure::Failure;
use crate::world::World;
use distro::Distro;
use text::Snippet;

#[derive(Debug, clap::Args)]
#[command(after_help = "Nothing is changed. What is printed names each file and the place in it, \
                  explains every line and option, and says how to try it and how to go back. All \
                  but the lines themselves is a comment (#), so it can be pasted as it is.")]
pub struct Args {
    /// Whose files they are for; that of this machine (os-release(5)) unless given
    #[arg(long, value_name = "NAME", global = true)]
    distro: Option<Distro>,

    /// What is to ask for a code
    #[command(subcommand)]
    service: Service,
}

#[derive(Debug, Subcommand)]
enum Service {
    /// Logins over the network: a password, then a code; with --key a key, then a code
    Sshd {
        /// For logins by key: the key in the place of the password
        #[arg(long)]
        key: bool,
    },
    /// Commands as somebody else: one's own password, then a code
    Sudo,
    /// Becoming somebody else: their password, then a code of theirs
    Su,
    /// Consoles: a password, then a code
    Login,
    /// Databases: a client certificate and a code, for the roles that are named
    Postgresql,
    /// Networks: the code typed behind the password; with --challenge in a field of its own
    Openvpn {
        /// For clients that can ask for a code by itself, and whose configurations you can change
        #[arg(long)]
        challenge: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Refused`] on a distribution for which there are no lines.
pub fn snippet(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let distro = match args.distro {
        Some(distro) => distro,
        None => Distro::of_machine(&world.os_release)?,
    };
    write!(output, "{}", of(&args.service, distro)).map_err(Failure::Output)
}

fn of(service: &Service, distro: Distro) -> Snippet {
    match service {
        Service::Sshd { key: false } => sshd::by_password(distro),
        Service::Sshd { key: true } => sshd::by_key(distro),
        Service::Sudo => sudo::snippet(distro),
        Service::Su => terminal::su(distro),
        Service::Login => terminal::login(distro),
        Service::Postgresql => postgresql::snippet(distro),
        Service::Openvpn { challenge } => openvpn::snippet(distro, *challenge),
    }
}
