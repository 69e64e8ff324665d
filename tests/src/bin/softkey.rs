//! A software security key on /dev/uhid, for a machine with a kernel of its own.
//!
//! `softkey [WORD...]`: the words of [`sandbox::fido::Model`]. It is plugged in when it says "ready". Each
//! line of its standard input then holds all its faults, words of [`sandbox::fido::Fault`]; it says "set",
//! and what it has seen so far. It is pulled out when the input ends.

use std::env;
use std::error::Error;
use std::io::stdin;

use sandbox::fido::{Fault, Model, Token};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = env::args().skip(1).collect();
    let model: Model = words.join(" ").parse()?;
    let token = Token::of_kernel(&model);
    println!("ready");
    for line in stdin().lines() {
        let faults: Result<Vec<Fault>, _> = line?.split_whitespace().map(str::parse).collect();
        token.set(&faults?);
        println!("set, {:?}", token.seen());
    }
    Ok(())
}
