//! The last few of many.

/// The `count` greatest of `items`, in order. Takes no room for the others.
pub(crate) fn latest<T: Ord + Copy>(count: usize, items: impl Iterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::with_capacity(count + 1);
    for item in items {
        kept.insert(kept.partition_point(|other| *other <= item), item);
        if kept.len() > count {
            kept.remove(0);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn they_are_the_end_of_all_in_order(items: Vec<u8>, count in 0_usize..20) {
            let mut all = items.clone();
            all.sort_unstable();
            let expected = &all[all.len().saturating_sub(count)..];
            proptest::prop_assert_eq!(latest(count, items.into_iter()), expected);
        }
    }
}
