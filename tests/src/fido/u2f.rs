//! CTAP1, which is U2F (fidoalliance.org, U2F raw message formats 1.2).

use super::Refusal;
use super::attestation::{CERTIFICATE, attest};
use super::authenticator::{Authenticator, flag};
use super::credential::{Algorithm, Party};

const NO_ERROR: u16 = 0x9000;
const WRONG_LENGTH: u16 = 0x6700;
const CONDITIONS_NOT_SATISFIED: u16 = 0x6985;
const WRONG_DATA: u16 = 0x6a80;
const UNKNOWN_INSTRUCTION: u16 = 0x6d00;

impl Authenticator {
    /// What it answers to an APDU with an extended length. Without a touch that it needs it says so,
    /// and wants to be asked again.
    ///
    /// # Errors
    /// [`Refusal::Untouched`] where nothing but a touch is missing.
    pub(super) fn u2f(&mut self, apdu: &[u8], touched: bool) -> Result<Vec<u8>, Refusal> {
        let length = Refusal::Status(WRONG_LENGTH);
        let Some(([_, instruction, control, _, rest @ ..], data)) = apdu.split_first_chunk::<7>()
        else {
            return if apdu.get(1) == Some(&3) { Ok(b"U2F_V2".to_vec()) } else { Err(length) };
        };
        let data = data.get(..usize::from(u16::from_be_bytes([rest[1], rest[2]])));
        match (*instruction, data) {
            (1, Some(data)) => self.register(data, touched),
            (2, Some(data)) => self.authenticate(*control, data, touched),
            (3, _) => Ok(b"U2F_V2".to_vec()),
            (1 | 2, None) => Err(length),
            _ => Err(Refusal::Status(UNKNOWN_INSTRUCTION)),
        }
    }

    fn register(&mut self, data: &[u8], touched: bool) -> Result<Vec<u8>, Refusal> {
        let (challenge, party) = halves(data)?;
        if !touched {
            return Err(Refusal::Untouched);
        }
        let (credential, handle) = self.make(Algorithm::Es256, &party);
        let signed = [&[0], &party[..], &challenge, &handle, &credential.public].concat();
        let length = u8::try_from(handle.len()).expect("handles are short");
        let key = [&[5], &credential.public[..], &[length], &handle].concat();
        Ok([&key, CERTIFICATE, &attest(&signed)].concat())
    }

    /// `control` is 7 to ask whether the handle is known, 3 for a signature with a touch, 8 for one
    /// with or without.
    fn authenticate(
        &mut self,
        control: u8,
        data: &[u8],
        touched: bool,
    ) -> Result<Vec<u8>, Refusal> {
        let (challenge, party) = halves(data)?;
        let handle = data.get(65..).ok_or(Refusal::Status(WRONG_LENGTH))?;
        let credential = self.credential(handle, &party).ok_or(Refusal::Status(WRONG_DATA))?;
        let flags = match control {
            7 => {
                self.seen.probes += 1;
                return Err(Refusal::Status(CONDITIONS_NOT_SATISFIED));
            }
            3 if !touched => return Err(Refusal::Untouched),
            3 => flag::UP,
            _ => 0,
        };
        let (data, signature) = self.assert(&credential, &party, flags, &challenge);
        Ok([&data[32..], &signature].concat())
    }
}

/// The response APDU.
pub(super) fn response(result: Result<Vec<u8>, Refusal>) -> Vec<u8> {
    let (mut body, status) = match result {
        Ok(body) => (body, NO_ERROR),
        Err(Refusal::Untouched) => (vec![], CONDITIONS_NOT_SATISFIED),
        Err(Refusal::Status(status)) => (vec![], status),
    };
    body.extend(status.to_be_bytes());
    body
}

/// The challenge and the relying party.
fn halves(data: &[u8]) -> Result<([u8; 32], Party), Refusal> {
    let (challenge, rest) = data.split_first_chunk().ok_or(Refusal::Status(WRONG_LENGTH))?;
    let party = rest.first_chunk().ok_or(Refusal::Status(WRONG_LENGTH))?;
    Ok((*challenge, *party))
}
