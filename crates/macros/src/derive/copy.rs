//! The copy of a type, on which the other derive is.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Data, DeriveInput, Fields, Ident, Type, Visibility};

use crate::errors::Errors;

/// A copy of a type. Its fields have the same types, written so that they mean the same in another scope.
pub(crate) struct Copied {
    /// The copy, without attributes of the whole type.
    pub(crate) item: DeriveInput,
    /// The name of the type.
    pub(crate) original: Ident,
    /// An import of what the author calls `Value`, if a field has it: in the copy's scope, that is another.
    pub(crate) value_alias: Option<TokenStream>,
    /// The variants; a struct is one.
    pub(crate) variants: Vec<Variant>,
}

/// A variant of an enum, or a whole struct.
pub(crate) struct Variant {
    /// The name; a struct has none.
    name: Option<Ident>,
    pub(crate) fields: Vec<Field>,
}

/// A field, as patterns and expressions name it.
pub(crate) struct Field {
    /// The name, or the index.
    member: TokenStream,
    /// The name in errors.
    pub(crate) name: String,
    pub(crate) binding: Ident,
    pub(crate) ty: Type,
}

impl Copied {
    /// Copies a struct or an enum.
    pub(crate) fn new(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        let mut item = input.clone();
        item.attrs.clear();
        item.vis = Visibility::Inherited;
        // The names that the other derive expects to be those of `surrealdb_types`.
        if item.ident == "Value" || item.ident == "SurrealValue" {
            item.ident = format_ident!("Surrealism{}", item.ident);
        }
        let (_, type_generics, _) = input.generics.split_for_impl();
        let mut names = Names {
            own: input.ident.clone(),
            whole: quote!(SurrealismOriginal #type_generics),
            uses_value: false,
        };
        let variants = match &mut item.data {
            Data::Struct(data) => vec![Variant::new(None, &mut data.fields, &mut names)],
            Data::Enum(data) => data
                .variants
                .iter_mut()
                .map(|variant| {
                    keep_options(&mut variant.attrs);
                    Variant::new(Some(variant.ident.clone()), &mut variant.fields, &mut names)
                })
                .collect(),
            Data::Union(data) => {
                errors.push(
                    data.union_token,
                    "a union does not say which field it has: write an enum",
                );
                return None;
            }
        };
        if variants.is_empty() {
            errors.push(&input.ident, "an enum without variants has no values: add a variant");
            return None;
        }
        let value_alias = names.uses_value.then(|| {
            quote!(
                use Value as SurrealismValue;
            )
        });
        Some(Self { item, original: input.ident.clone(), value_alias, variants })
    }
}

impl Variant {
    fn new(name: Option<Ident>, fields: &mut Fields, names: &mut Names) -> Self {
        let field = |(index, field): (usize, &mut syn::Field)| {
            keep_options(&mut field.attrs);
            field.vis = Visibility::Inherited;
            let ty = names.replace(field.ty.to_token_stream());
            field.ty = Type::Verbatim(ty);
            let member = match &field.ident {
                Some(ident) => ident.to_token_stream(),
                None => syn::Index::from(index).to_token_stream(),
            };
            Field {
                name: member.to_string().trim_start_matches("r#").to_string(),
                member,
                binding: format_ident!("field_{index}"),
                ty: field.ty.clone(),
            }
        };
        Self { name, fields: fields.iter_mut().enumerate().map(field).collect() }
    }

    /// Returns the variant of a type, as a pattern and as an expression.
    pub(crate) fn build(&self, ty: &Ident) -> TokenStream {
        let name = self.name.as_ref().map(|name| quote!(::#name));
        let fields =
            self.fields.iter().map(|Field { member, binding, .. }| quote!(#member: #binding));
        quote!(#ty #name { #(#fields),* })
    }

    /// Returns the match arm that converts the variant of one type into that of another.
    pub(crate) fn convert(&self, from: &Ident, to: &Ident) -> TokenStream {
        let (from, to) = (self.build(from), self.build(to));
        quote!(#from => #to)
    }
}

/// Keeps the attributes of the other derive.
fn keep_options(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| attribute.path().is_ident("surreal"));
}

/// The names that mean something else in the scope of the copy.
struct Names {
    /// The name of the type, which is the copy there.
    own: Ident,
    /// The type with its parameters, in place of `Self`.
    whole: TokenStream,
    uses_value: bool,
}

impl Names {
    /// Replaces these names in a type.
    fn replace(&mut self, ty: TokenStream) -> TokenStream {
        let mut after_colon = false;
        let replaced = ty.into_iter().map(|token| {
            let in_path = std::mem::replace(
                &mut after_colon,
                matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':'),
            );
            match token {
                TokenTree::Ident(ident) if !in_path => self.replace_ident(ident),
                TokenTree::Group(group) => {
                    let mut replaced = Group::new(group.delimiter(), self.replace(group.stream()));
                    replaced.set_span(group.span());
                    TokenTree::Group(replaced).into()
                }
                other => other.into(),
            }
        });
        replaced.collect()
    }

    fn replace_ident(&mut self, ident: Ident) -> TokenStream {
        if ident == self.own {
            return Ident::new("SurrealismOriginal", ident.span()).into_token_stream();
        }
        if ident == "Self" {
            return self.whole.clone();
        }
        if ident == "Value" {
            self.uses_value = true;
            return Ident::new("SurrealismValue", ident.span()).into_token_stream();
        }
        ident.into_token_stream()
    }
}
