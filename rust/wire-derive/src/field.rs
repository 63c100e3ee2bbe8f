//! What one field says about itself.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::{Expr, ExprLit, ExprRange, Ident, Lit, RangeLimits, Type};

/// A range of versions; `None` is open.
#[derive(Clone, Copy, Default)]
pub(crate) struct Versions {
    first: Option<i16>,
    last: Option<i16>,
}

impl Versions {
    /// The condition `v is in this range`, or `None` where every version is.
    pub(crate) fn condition(self) -> Option<TokenStream> {
        let literal = Literal::i16_unsuffixed;
        match (self.first.filter(|first| *first > 0), self.last) {
            (None, None) => None,
            (Some(first), None) => {
                let first = literal(first);
                Some(quote!(v.number() >= #first))
            }
            (None, Some(last)) => {
                let last = literal(last);
                Some(quote!(v.number() <= #last))
            }
            (Some(first), Some(last)) => {
                let (first, last) = (literal(first), literal(last));
                Some(quote!((#first..=#last).contains(&v.number())))
            }
        }
    }

    /// The range as `RangeInclusive<i16>`.
    pub(crate) fn inclusive(self) -> TokenStream {
        let (first, last) = (self.first.unwrap_or(0), self.last.unwrap_or(i16::MAX));
        quote!(#first..=#last)
    }
}

/// One field of a message.
pub(crate) struct Field {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) versions: Versions,
    pub(crate) nullable: Option<Versions>,
    pub(crate) tag: Option<u32>,
    pub(crate) ignorable: bool,
    default: Option<Expr>,
}

impl Field {
    pub(crate) fn parse(field: &syn::Field) -> syn::Result<Field> {
        let name = field
            .ident
            .clone()
            .ok_or_else(|| syn::Error::new_spanned(field, "a message's fields have names"))?;
        let mut parsed = Field {
            name,
            ty: field.ty.clone(),
            versions: Versions::default(),
            nullable: None,
            tag: None,
            ignorable: false,
            default: None,
        };
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("wire")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("versions") {
                    parsed.versions = versions(&meta.value()?.parse()?)?;
                } else if meta.path.is_ident("nullable") {
                    parsed.nullable = Some(versions(&meta.value()?.parse()?)?);
                } else if meta.path.is_ident("tag") {
                    parsed.tag = Some(meta.value()?.parse::<syn::LitInt>()?.base10_parse()?);
                } else if meta.path.is_ident("default") {
                    parsed.default = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("ignorable") {
                    parsed.ignorable = true;
                } else {
                    return Err(
                        meta.error("expected versions, nullable, tag, default or ignorable")
                    );
                }
                Ok(())
            })?;
        }
        parsed.check(field)?;
        Ok(parsed)
    }

    fn check(&self, field: &syn::Field) -> syn::Result<()> {
        let optional = is_option(&self.ty);
        if optional && self.nullable.is_none() {
            return Err(syn::Error::new_spanned(
                field,
                "an Option says in which versions it is `nullable`",
            ));
        }
        if !optional && self.nullable.is_some() {
            return Err(syn::Error::new_spanned(
                field,
                "only an Option can be `nullable`",
            ));
        }
        Ok(())
    }

    /// The value that the field has where it is absent.
    pub(crate) fn default(&self) -> TokenStream {
        let ty = &self.ty;
        match &self.default {
            Some(default) => quote!(#default),
            None => quote!(<#ty as ::core::default::Default>::default()),
        }
    }
}

fn is_option(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Option"))
}

fn versions(range: &ExprRange) -> syn::Result<Versions> {
    let bound = |end: &Option<Box<Expr>>| match end.as_deref() {
        None => Ok(None),
        Some(Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        })) => number.base10_parse().map(Some),
        Some(other) => Err(syn::Error::new_spanned(other, "a version is a number")),
    };
    let (first, last) = (bound(&range.start)?, bound(&range.end)?);
    if last.is_some() && matches!(range.limits, RangeLimits::HalfOpen(_)) {
        return Err(syn::Error::new_spanned(
            range,
            "Kafka's ranges are inclusive: write ..=",
        ));
    }
    Ok(Versions { first, last })
}
