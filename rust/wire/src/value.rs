//! What can stand in a message's field, and how it looks on the wire.

use bytes::Bytes;
use uuid::Uuid;

use crate::{Error, Reader, Result, Version, Writer, schema::Kind};

/// A value of the protocol: an integer, a string, an array, a struct.
pub trait Value: Sized {
    /// Its description.
    const KIND: Kind;

    /// The fewest bytes that it takes in version `v`; what bounds an array's claim.
    fn min_size(v: Version) -> usize;

    /// Reads it.
    fn read(r: &mut Reader) -> Result<Self>;

    /// Writes it.
    fn write(&self, w: &mut Writer) -> Result<()>;
}

/// A value that has a null. What is given here is the null of structs: a byte before the struct says whether it is there.
pub trait Nullable: Value {
    /// The bytes that null takes in version `v`.
    fn null_size(_: Version) -> usize {
        1
    }

    /// Reads it, or null.
    fn read_nullable(r: &mut Reader) -> Result<Option<Self>> {
        match i8::read(r)? {
            ..0 => Ok(None),
            0.. => Self::read(r).map(Some),
        }
    }

    /// Writes null.
    fn write_null(w: &mut Writer) -> Result<()> {
        (-1_i8).write(w)
    }

    /// Writes it where null would be possible too.
    fn write_present(&self, w: &mut Writer) -> Result<()> {
        1_i8.write(w)?;
        self.write(w)
    }
}

/// `Option`, of which a version may or may not allow the null.
pub trait Optional: Sized {
    /// What is optional.
    type Value: Nullable;

    /// Reads it.
    fn read(r: &mut Reader, may_be_null: bool) -> Result<Self>;

    /// Writes it; `field` is the name for an error.
    fn write(&self, w: &mut Writer, field: &'static str, may_be_null: bool) -> Result<()>;
}

impl<T: Nullable> Optional for Option<T> {
    type Value = T;

    fn read(r: &mut Reader, may_be_null: bool) -> Result<Self> {
        if may_be_null {
            T::read_nullable(r)
        } else {
            T::read(r).map(Some)
        }
    }

    fn write(&self, w: &mut Writer, field: &'static str, may_be_null: bool) -> Result<()> {
        match self {
            Some(value) if may_be_null => value.write_present(w),
            Some(value) => value.write(w),
            None if may_be_null => T::write_null(w),
            None => Err(Error::NotNullable {
                field,
                version: w.version().number(),
            }),
        }
    }
}

macro_rules! numbers {
    ($($ty:ty => $kind:ident),*) => {$(
        impl Value for $ty {
            const KIND: Kind = Kind::$kind;

            fn min_size(_: Version) -> usize {
                size_of::<$ty>()
            }

            #[inline]
            fn read(r: &mut Reader) -> Result<Self> {
                r.array().map(<$ty>::from_be_bytes)
            }

            #[inline]
            fn write(&self, w: &mut Writer) -> Result<()> {
                w.put(&self.to_be_bytes());
                Ok(())
            }
        }
    )*};
}

numbers!(i8 => Int8, i16 => Int16, u16 => Uint16, i32 => Int32, i64 => Int64, f64 => Float64);

impl Value for bool {
    const KIND: Kind = Kind::Bool;

    fn min_size(_: Version) -> usize {
        1
    }

    fn read(r: &mut Reader) -> Result<Self> {
        i8::read(r).map(|byte| byte != 0)
    }

    fn write(&self, w: &mut Writer) -> Result<()> {
        i8::from(*self).write(w)
    }
}

impl Value for Uuid {
    const KIND: Kind = Kind::Uuid;

    fn min_size(_: Version) -> usize {
        16
    }

    fn read(r: &mut Reader) -> Result<Self> {
        r.array().map(Uuid::from_bytes)
    }

    fn write(&self, w: &mut Writer) -> Result<()> {
        w.put(self.as_bytes());
        Ok(())
    }
}

impl Value for String {
    const KIND: Kind = Kind::String;

    fn min_size(v: Version) -> usize {
        if v.is_flexible() { 1 } else { 2 }
    }

    fn read(r: &mut Reader) -> Result<Self> {
        Self::read_nullable(r)?.ok_or_else(|| r.unexpected_null())
    }

    fn write(&self, w: &mut Writer) -> Result<()> {
        w.string_length(Some(self.len()))?;
        w.put(self.as_bytes());
        Ok(())
    }
}

impl Nullable for String {
    fn null_size(v: Version) -> usize {
        Self::min_size(v)
    }

    fn read_nullable(r: &mut Reader) -> Result<Option<Self>> {
        r.string_length()?.map(|length| r.text(length)).transpose()
    }

    fn write_null(w: &mut Writer) -> Result<()> {
        w.string_length(None)
    }

    fn write_present(&self, w: &mut Writer) -> Result<()> {
        self.write(w)
    }
}

/// The length field of bytes and arrays.
fn length_size(v: Version) -> usize {
    if v.is_flexible() { 1 } else { 4 }
}

impl Value for Bytes {
    const KIND: Kind = Kind::Bytes;

    fn min_size(v: Version) -> usize {
        length_size(v)
    }

    fn read(r: &mut Reader) -> Result<Self> {
        Self::read_nullable(r)?.ok_or_else(|| r.unexpected_null())
    }

    fn write(&self, w: &mut Writer) -> Result<()> {
        w.length(Some(self.len()))?;
        w.put(self);
        Ok(())
    }
}

impl Nullable for Bytes {
    fn null_size(v: Version) -> usize {
        length_size(v)
    }

    fn read_nullable(r: &mut Reader) -> Result<Option<Self>> {
        r.length()?.map(|length| r.bytes(length)).transpose()
    }

    fn write_null(w: &mut Writer) -> Result<()> {
        w.length(None)
    }

    fn write_present(&self, w: &mut Writer) -> Result<()> {
        self.write(w)
    }
}

impl<T: Value> Value for Vec<T> {
    const KIND: Kind = Kind::Array(&T::KIND);

    fn min_size(v: Version) -> usize {
        length_size(v)
    }

    fn read(r: &mut Reader) -> Result<Self> {
        Self::read_nullable(r)?.ok_or_else(|| r.unexpected_null())
    }

    fn write(&self, w: &mut Writer) -> Result<()> {
        w.length(Some(self.len()))?;
        self.iter().try_for_each(|element| element.write(w))
    }
}

impl<T: Value> Nullable for Vec<T> {
    fn null_size(v: Version) -> usize {
        length_size(v)
    }

    fn read_nullable(r: &mut Reader) -> Result<Option<Self>> {
        r.length()?.map(|count| elements(r, count)).transpose()
    }

    fn write_null(w: &mut Writer) -> Result<()> {
        w.length(None)
    }

    fn write_present(&self, w: &mut Writer) -> Result<()> {
        self.write(w)
    }
}

/// `count` elements. Room is made once and for just that many: growing would hold the old and the new vector at once.
fn elements<T: Value>(r: &mut Reader, count: usize) -> Result<Vec<T>> {
    r.admit(count, T::min_size(r.version()), size_of::<T>())?;
    let mut elements = Vec::new();
    elements
        .try_reserve_exact(count)
        .map_err(|_| Error::OutOfMemory { elements: count })?;
    for _ in 0..count {
        elements.push(T::read(r)?);
    }
    Ok(elements)
}
