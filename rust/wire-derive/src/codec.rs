//! The code that is generated for one struct.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields};

use crate::field::{Field, Versions};

pub(crate) fn implement(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(input, "a message is a struct"));
    };
    let Fields::Named(braced) = &data.fields else {
        return Err(syn::Error::new_spanned(
            input,
            "a message's fields have names",
        ));
    };
    let fields = braced
        .named
        .iter()
        .map(Field::parse)
        .collect::<syn::Result<Vec<_>>>()?;
    check_tags(&fields)?;

    let name = &input.ident;
    let (names, defaults): (Vec<_>, Vec<_>) = fields.iter().map(|f| (&f.name, f.default())).unzip();
    let schema = fields.iter().map(schema);
    let sizes = fields.iter().filter(|f| f.tag.is_none()).map(min_size);
    let (read, write) = (read(&fields), write(&fields));
    Ok(quote! {
        impl ::core::default::Default for #name {
            fn default() -> Self {
                Self { #(#names: #defaults),* }
            }
        }

        impl ::kafkalite_wire::Value for #name {
            const KIND: ::kafkalite_wire::schema::Kind =
                ::kafkalite_wire::schema::Kind::Struct(&[#(#schema),*]);

            fn min_size(v: ::kafkalite_wire::Version) -> usize {
                let mut size = usize::from(v.is_flexible());
                #(#sizes)*
                size
            }

            #read
            #write
        }

        impl ::kafkalite_wire::Nullable for #name {}
    })
}

fn check_tags(fields: &[Field]) -> syn::Result<()> {
    for (index, field) in fields.iter().enumerate() {
        if let Some(tag) = field.tag
            && fields[..index].iter().any(|other| other.tag == Some(tag))
        {
            let message = format!("tag {tag} is taken by another field");
            return Err(syn::Error::new_spanned(&field.name, message));
        }
    }
    Ok(())
}

fn schema(field: &Field) -> TokenStream {
    let (name, ty) = (field.name.to_string(), &field.ty);
    let versions = field.versions.inclusive();
    let option = |value: Option<TokenStream>| match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    };
    let nullable = option(field.nullable.map(Versions::inclusive));
    let tag = option(field.tag.map(|tag| quote!(#tag)));
    let kind = match field.nullable {
        Some(_) => quote!(<#ty as ::kafkalite_wire::Optional>::Value),
        None => quote!(#ty),
    };
    quote! {
        ::kafkalite_wire::schema::Field {
            name: #name,
            versions: #versions,
            nullable: #nullable,
            tag: #tag,
            kind: <#kind as ::kafkalite_wire::Value>::KIND,
        }
    }
}

/// `statement`, under the condition that the version carries the field.
fn when_carried(field: &Field, statement: &TokenStream) -> TokenStream {
    match field.versions.condition() {
        Some(condition) => quote!(if #condition { #statement }),
        None => quote!(#statement),
    }
}

fn min_size(field: &Field) -> TokenStream {
    let ty = &field.ty;
    let size = match field.nullable {
        None => quote!(<#ty as ::kafkalite_wire::Value>::min_size(v)),
        Some(nullable) => {
            let null = quote!(<<#ty as ::kafkalite_wire::Optional>::Value as ::kafkalite_wire::Nullable>::null_size(v));
            match nullable.condition() {
                None => null,
                Some(condition) => quote! {
                    if #condition { #null } else {
                        <<#ty as ::kafkalite_wire::Optional>::Value as ::kafkalite_wire::Value>::min_size(v)
                    }
                },
            }
        }
    };
    when_carried(field, &quote!(size += #size;))
}

fn read_value(field: &Field) -> TokenStream {
    match field.nullable {
        None => quote!(::kafkalite_wire::Value::read(r)?),
        Some(nullable) => {
            let may_be_null = nullable.condition().unwrap_or_else(|| quote!(true));
            quote!(::kafkalite_wire::Optional::read(r, #may_be_null)?)
        }
    }
}

fn write_value(field: &Field) -> TokenStream {
    let (name, label) = (&field.name, field.name.to_string());
    match field.nullable {
        None => quote!(::kafkalite_wire::Value::write(&self.#name, w)),
        Some(nullable) => {
            let may_be_null = nullable.condition().unwrap_or_else(|| quote!(true));
            quote!(::kafkalite_wire::Optional::write(&self.#name, w, #label, #may_be_null))
        }
    }
}

fn read(fields: &[Field]) -> TokenStream {
    let plain = fields.iter().filter(|f| f.tag.is_none()).map(|field| {
        let (name, value) = (&field.name, read_value(field));
        when_carried(field, &quote!(message.#name = #value;))
    });
    let tagged = fields.iter().filter_map(|field| {
        let (tag, name, value) = (field.tag?, &field.name, read_value(field));
        let guard = field
            .versions
            .condition()
            .map(|condition| quote!(if #condition));
        Some(quote!(#tag #guard => message.#name = #value,))
    });
    let tagged: Vec<_> = tagged.collect();
    let trailer = if tagged.is_empty() {
        quote!(r.skip_tagged_fields()?;)
    } else {
        quote! {
            r.tagged_fields(|tag, r| {
                match tag {
                    #(#tagged)*
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
    };
    quote! {
        fn read(r: &mut ::kafkalite_wire::Reader) -> ::kafkalite_wire::Result<Self> {
            let v = r.version();
            let mut message = Self::default();
            #(#plain)*
            if v.is_flexible() {
                #trailer
            }
            Ok(message)
        }
    }
}

fn write(fields: &[Field]) -> TokenStream {
    let plain = fields.iter().filter(|f| f.tag.is_none()).map(|field| {
        let value = write_value(field);
        match field.versions.condition() {
            None => quote!(#value?;),
            Some(condition) => {
                let otherwise = refuse_unless_default(field);
                quote!(if #condition { #value?; } #otherwise)
            }
        }
    });
    let mut tagged: Vec<_> = fields.iter().filter(|f| f.tag.is_some()).collect();
    tagged.sort_by_key(|field| field.tag); // the order that KIP-482 asks for
    let flags: Vec<_> = tagged
        .iter()
        .map(|field| quote::format_ident!("has_{}", field.name))
        .collect();
    let decide = tagged.iter().zip(&flags).map(|(field, flag)| {
        let (name, default) = (&field.name, field.default());
        let carried = field.versions.condition().unwrap_or_else(|| quote!(true));
        let refusal = (!field.ignorable).then(|| {
            let label = name.to_string();
            quote! {
                if self.#name != #default && !#flag {
                    return Err(::kafkalite_wire::Error::FieldNotInVersion { field: #label, version: v.number() });
                }
            }
        });
        quote! {
            let #flag = v.is_flexible() && #carried && self.#name != #default;
            #refusal
        }
    });
    let emit = tagged.iter().zip(&flags).map(|(field, flag)| {
        let (tag, value) = (field.tag, write_value(field));
        quote!(if #flag { w.tagged(#tag, |w| #value)?; })
    });
    quote! {
        fn write(&self, w: &mut ::kafkalite_wire::Writer) -> ::kafkalite_wire::Result<()> {
            let v = w.version();
            #(#plain)*
            #(#decide)*
            if v.is_flexible() {
                w.unsigned_varint(0 #(+ u32::from(#flags))*);
                #(#emit)*
            }
            Ok(())
        }
    }
}

/// What a version that lacks the field does with a value: nothing, or an error if dropping it changes the meaning.
fn refuse_unless_default(field: &Field) -> Option<TokenStream> {
    let (name, label, default) = (&field.name, field.name.to_string(), field.default());
    (!field.ignorable).then(|| {
        quote! {
            else if self.#name != #default {
                return Err(::kafkalite_wire::Error::FieldNotInVersion { field: #label, version: v.number() });
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use syn::{DeriveInput, parse_quote};

    fn refusal(input: &DeriveInput) -> String {
        super::implement(input)
            .expect_err("the struct contradicts itself")
            .to_string()
    }

    #[test]
    fn contradictions_are_refused_when_compiled() {
        let silent = refusal(&parse_quote! {
            struct Sample { name: Option<String> }
        });
        assert!(silent.contains("says in which versions it is `nullable`"));

        let never_null = refusal(&parse_quote! {
            struct Sample { #[wire(nullable = 1..)] name: String }
        });
        assert!(never_null.contains("only an Option"));

        let exclusive = refusal(&parse_quote! {
            struct Sample { #[wire(versions = 1..3)] name: String }
        });
        assert!(exclusive.contains("inclusive"));

        let misspelt = refusal(&parse_quote! {
            struct Sample { #[wire(version = 1..)] name: String }
        });
        assert!(misspelt.contains("expected versions"));

        let twice = refusal(&parse_quote! {
            struct Sample { #[wire(tag = 0)] one: i8, #[wire(tag = 0)] two: i8 }
        });
        assert!(twice.contains("tag 0 is taken"));

        let nameless = refusal(&parse_quote! { struct Sample(i32); });
        assert!(nameless.contains("have names"));
        let choice = refusal(&parse_quote! { enum Sample { One } });
        assert!(choice.contains("is a struct"));
    }
}
