//! Zig-zag variable-length integers, seven bits a byte, least significant first.

/// Most bytes that a 32-bit integer takes.
pub(crate) const MAX_LEN_32: usize = 5;
/// Most bytes that a 64-bit integer takes.
pub(crate) const MAX_LEN_64: usize = 10;

/// Reads an `i32` at `*at` and moves past it. `None` if the bytes end or the integer does not.
#[inline]
pub(crate) fn read_32(bytes: &[u8], at: &mut usize) -> Option<i32> {
    let first = *bytes.get(*at)?;
    if first < 0x80 {
        *at += 1;
        return Some(unzigzag_32(u32::from(first)));
    }
    read_long(bytes, at, MAX_LEN_32)
        .and_then(|raw| u32::try_from(raw).ok())
        .map(unzigzag_32)
}

/// Reads an `i64` at `*at` and moves past it. `None` if the bytes end or the integer does not.
#[inline]
pub(crate) fn read_64(bytes: &[u8], at: &mut usize) -> Option<i64> {
    let first = *bytes.get(*at)?;
    if first < 0x80 {
        *at += 1;
        return Some(unzigzag_64(u64::from(first)));
    }
    read_long(bytes, at, MAX_LEN_64).map(unzigzag_64)
}

fn read_long(bytes: &[u8], at: &mut usize, max_len: usize) -> Option<u64> {
    let mut raw = 0;
    for (index, &byte) in bytes[*at..].iter().take(max_len).enumerate() {
        let shift = 7 * index as u32;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        raw |= bits << shift;
        if byte < 0x80 {
            *at += index + 1;
            return Some(raw);
        }
    }
    None
}

/// Writes an `i32` at `at`; gives where it ends.
#[inline]
pub(crate) fn write_32<const N: usize>(out: &mut [u8; N], at: usize, value: i32) -> usize {
    write_64(out, at, i64::from(value))
}

/// Writes an `i64` at `at`; gives where it ends.
#[inline]
pub(crate) fn write_64<const N: usize>(out: &mut [u8; N], mut at: usize, value: i64) -> usize {
    let mut raw = zigzag_64(value);
    while raw >= 0x80 {
        out[at] = raw as u8 | 0x80;
        raw >>= 7;
        at += 1;
    }
    out[at] = raw as u8;
    at + 1
}

/// Bytes that `value` takes: one for every seven bits begun.
#[inline]
pub(crate) const fn len(value: i64) -> usize {
    let bits = 64 - (zigzag_64(value) | 1).leading_zeros() as usize;
    // As ceil(bits / 7) for every width up to 64 bits, without a division.
    (bits * 9 + 64) / 64
}

const fn zigzag_64(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

const fn unzigzag_64(raw: u64) -> i64 {
    (raw >> 1) as i64 ^ -((raw & 1) as i64)
}

const fn unzigzag_32(raw: u32) -> i32 {
    (raw >> 1) as i32 ^ -((raw & 1) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_of_every_length_survive() {
        for shift in 0..64 {
            for value in [1_i64 << shift, i64::MAX >> shift, i64::MIN >> shift] {
                let mut out = [0; MAX_LEN_64];
                let end = write_64(&mut out, 0, value);
                assert_eq!(end, len(value), "{value}");
                let mut at = 0;
                assert_eq!(read_64(&out, &mut at), Some(value));
                assert_eq!(at, end);
                let mut at = 0;
                assert_eq!(read_32(&out, &mut at), i32::try_from(value).ok());
            }
        }
    }

    #[test]
    fn what_does_not_end_is_no_integer() {
        for bytes in [&[][..], &[0x80], &[0xff; 5], &[0xff; 11]] {
            assert_eq!(read_32(bytes, &mut 0), None);
            assert_eq!(read_64(bytes, &mut 0), None);
        }
        // Ten bytes whose last carries more than the 64th bit.
        let mut over = [0xff; 10];
        over[9] = 2;
        assert_eq!(read_64(&over, &mut 0), None);
    }
}
