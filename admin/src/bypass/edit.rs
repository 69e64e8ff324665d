//! Changes to the text of the list. What somebody wrote by hand keeps its order and its comments.

use mfa_core::policy::Bypass;
use toml_edit::{Array, ArrayOfTables, Datetime, Decor, DocumentMut, Item, Table, Value};

use crate::failure::Failure;
use crate::time::day;

const KEY: &str = "bypass";

/// The text with an entry that was `before` and is to be `after`; `None` where there is none.
///
/// # Errors
/// The entries are not written as `[[bypass]]`.
pub fn apply(
    text: &str,
    (before, after): (Option<&Bypass>, Option<&Bypass>),
) -> Result<String, Failure> {
    let mut document: DocumentMut = text.parse().map_err(|_| unwritable())?;
    if document.get(KEY).is_some_and(|item| !item.is_array_of_tables()) {
        return Err(unwritable());
    }
    match (before, after) {
        (None, Some(entry)) => return Ok(append(text, entry)),
        (Some(before), Some(after)) => put(table(&mut document, before)?, Some(before), after),
        (Some(before), None) => remove(&mut document, before)?,
        (None, None) => {}
    }
    Ok(document.to_string().trim_start_matches('\n').to_owned())
}

fn unwritable() -> Failure {
    Failure::Refused("the entries are not written as [[bypass]]; write them so first".to_owned())
}

/// Behind all that is there, comments included.
fn append(text: &str, entry: &Bypass) -> String {
    let mut table = Table::new();
    put(&mut table, None, entry);
    let mut document = DocumentMut::new();
    document.insert(KEY, Item::ArrayOfTables(ArrayOfTables::from_iter([table])));
    let end = match text {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    format!("{text}{end}{document}")
}

fn tables(document: &mut DocumentMut) -> Result<&mut ArrayOfTables, Failure> {
    document.get_mut(KEY).and_then(Item::as_array_of_tables_mut).ok_or_else(unwritable)
}

fn place(tables: &ArrayOfTables, entry: &Bypass) -> Result<usize, Failure> {
    let is_it = |table: &Table| table.get("id").and_then(Item::as_str) == Some(&entry.id);
    tables.iter().position(is_it).ok_or_else(unwritable)
}

fn table<'a>(document: &'a mut DocumentMut, entry: &Bypass) -> Result<&'a mut Table, Failure> {
    let tables = tables(document)?;
    let place = place(tables, entry)?;
    tables.get_mut(place).ok_or_else(unwritable)
}

/// Makes `table`, which says `before`, say `after`; what stays as it is, stays as it was written.
fn put(table: &mut Table, before: Option<&Bypass>, after: &Bypass) {
    let before = before.map(values).unwrap_or_default();
    for (key, value) in values(after) {
        let same = before
            .iter()
            .any(|(other, old)| *other == key && shown(old.as_ref()) == shown(value.as_ref()));
        match (value, table.get_mut(key).and_then(Item::as_value_mut)) {
            _ if same => {}
            (Some(mut new), Some(old)) => {
                new.decor_mut().clone_from(old.decor());
                *old = new;
            }
            (Some(new), None) => {
                table.insert(key, new.into());
            }
            (None, _) => {
                table.remove(key);
            }
        }
    }
}

fn shown(value: Option<&Value>) -> Option<String> {
    value.map(Value::to_string)
}

fn values(entry: &Bypass) -> Vec<(&'static str, Option<Value>)> {
    let time = |seconds| day(seconds).parse::<Datetime>().ok().map(Value::from);
    vec![
        ("id", Some(entry.id.as_str().into())),
        ("network", Some(entry.network.to_string().into())),
        ("services", entry.services.as_ref().map(|services| Array::from_iter(services).into())),
        ("reason", Some(entry.reason.as_str().into())),
        ("owner", entry.owner.as_deref().map(Value::from)),
        ("created", entry.created.and_then(time)),
        ("expires", entry.expires.and_then(time)),
    ]
}

/// With the comment directly above it; those further up, and the one that begins the file, stay.
fn remove(document: &mut DocumentMut, entry: &Bypass) -> Result<(), Failure> {
    let tables = tables(document)?;
    let place = place(tables, entry)?;
    let above = above(tables.remove(place).decor());
    let stays = staying(&above, place == 0);
    if let Some(next) = tables.get_mut(place) {
        let above = format!("{stays}{}", self::above(next.decor()));
        next.decor_mut().set_prefix(above);
    } else {
        let below = document.trailing().as_str().unwrap_or_default();
        let below = format!("{stays}{below}");
        document.set_trailing(below);
    }
    Ok(())
}

/// What stays of the lines above an entry that goes.
fn staying(above: &str, is_first: bool) -> &str {
    let blank = above.rfind("\n\n").map(|at| at + 1);
    match blank.or(above.starts_with('\n').then_some(0)) {
        Some(blank) => above.get(..blank).unwrap_or_default(),
        None if is_first => above,
        None => "",
    }
}

/// The lines above something.
fn above(decor: &Decor) -> String {
    decor.prefix().and_then(|lines| lines.as_str()).unwrap_or_default().to_owned()
}
