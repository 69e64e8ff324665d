//! What CTAP2's commands ask for.

use minicbor::decode::{self, Decoder};

use super::Refusal;
use super::cbor::entries;
use super::credential::{Party, sha256};
use super::ctap::status;

/// What is asked for when a credential is made or used: the members of both, which differ in their
/// numbers only.
#[derive(Default)]
pub(super) struct Request {
    /// What is signed behind the authenticator data, SHA-256.
    pub(super) hash: Vec<u8>,
    pub(super) party: Party,
    pub(super) user: Vec<u8>,
    pub(super) algorithms: Vec<i32>,
    /// The exclude list or the allow list.
    pub(super) handles: Option<Vec<Vec<u8>>>,
    pub(super) resident: bool,
    /// No touch is asked for.
    pub(super) unattended: bool,
    pub(super) verify: bool,
    /// What shows that the client knows the PIN.
    pub(super) auth: Option<Vec<u8>>,
}

impl Request {
    pub(super) fn of_make(parameters: &[u8]) -> Result<Self, Refusal> {
        let mut request = Self::default();
        entries(&mut Decoder::new(parameters), |key: u8, value| {
            match key {
                1 => request.hash = value.bytes()?.to_vec(),
                2 => request.party = member(value, "id", |id| Ok(sha256(id.str()?.as_bytes())))?,
                3 => request.user = id(value)?,
                4 => request.algorithms = list(value, |kind| member(kind, "alg", Decoder::i32))?,
                5 => request.handles = Some(list(value, id)?),
                7 => request.options(value)?,
                8 => request.auth = Some(value.bytes()?.to_vec()),
                _ => value.skip()?,
            }
            Ok(())
        })
        .map_err(|_| status::INVALID_CBOR)?;
        Ok(request)
    }

    pub(super) fn of_get(parameters: &[u8]) -> Result<Self, Refusal> {
        let mut request = Self::default();
        entries(&mut Decoder::new(parameters), |key: u8, value| {
            match key {
                1 => request.party = sha256(value.str()?.as_bytes()),
                2 => request.hash = value.bytes()?.to_vec(),
                3 => request.handles = Some(list(value, id)?),
                5 => request.options(value)?,
                6 => request.auth = Some(value.bytes()?.to_vec()),
                _ => value.skip()?,
            }
            Ok(())
        })
        .map_err(|_| status::INVALID_CBOR)?;
        Ok(request)
    }

    fn options(&mut self, value: &mut Decoder) -> Result<(), decode::Error> {
        entries(value, |name: &str, value| {
            match name {
                "rk" => self.resident = value.bool()?,
                "up" => self.unattended = !value.bool()?,
                "uv" => self.verify = value.bool()?,
                _ => value.skip()?,
            }
            Ok(())
        })
    }
}

/// The point 04|X|Y of a COSE key.
pub(super) fn point(value: &mut Decoder) -> Result<Vec<u8>, decode::Error> {
    let (mut x, mut y) = (vec![], vec![]);
    entries(value, |key: i8, value| {
        match key {
            -2 => x = value.bytes()?.to_vec(),
            -3 => y = value.bytes()?.to_vec(),
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok([&[4], &x[..], &y].concat())
}

fn list<'b, Item>(
    value: &mut Decoder<'b>,
    item: impl Fn(&mut Decoder<'b>) -> Result<Item, decode::Error>,
) -> Result<Vec<Item>, decode::Error> {
    let count = value.array()?.ok_or_else(|| decode::Error::message("no length"))?;
    (0..count).map(|_| item(value)).collect()
}

/// The member "id" of a user or a credential.
fn id(value: &mut Decoder) -> Result<Vec<u8>, decode::Error> {
    member(value, "id", |id| Ok(id.bytes()?.to_vec()))
}

/// The member of this name; nothing, if there is none.
fn member<'b, Member: Default>(
    value: &mut Decoder<'b>,
    name: &str,
    read: impl Fn(&mut Decoder<'b>) -> Result<Member, decode::Error>,
) -> Result<Member, decode::Error> {
    let mut member = Member::default();
    entries(value, |key: &str, value| {
        if key == name {
            member = read(value)?;
            return Ok(());
        }
        value.skip()
    })?;
    Ok(member)
}
