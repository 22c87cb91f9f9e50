//! Types that an argument or a result cannot have.

use quote::quote;
use syn::visit::{Visit, visit_type_reference};
use syn::{Type, TypeImplTrait, TypeReference};

use crate::errors::Errors;

pub(crate) fn check_parameter(ty: &Type, errors: &mut Errors) {
    Check { errors, may_borrow: false }.visit_type(ty);
}

pub(crate) fn check_return(ty: &Type, errors: &mut Errors) {
    Check { errors, may_borrow: true }.visit_type(ty);
}

struct Check<'a> {
    errors: &'a mut Errors,
    may_borrow: bool,
}

impl<'ast> Visit<'ast> for Check<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if self.may_borrow {
            return visit_type_reference(self, reference);
        }
        let owned = owned(&reference.elem);
        self.errors.push(reference, format!("an argument cannot be borrowed: write {owned}"));
    }

    fn visit_type_impl_trait(&mut self, opaque: &'ast TypeImplTrait) {
        self.errors
            .push(opaque, "the host has to know every type: replace `impl …` with a concrete type");
    }
}

/// Returns what to write in place of a reference to a type.
fn owned(referent: &Type) -> String {
    match referent {
        Type::Path(path) if path.path.is_ident("str") => "`String`".to_string(),
        Type::Slice(slice) => format!("`Vec<{}>`", format_type(&slice.elem)),
        Type::Path(_) | Type::Tuple(_) | Type::Array(_) => {
            format!("`{}`", format_type(referent))
        }
        _ => "an owned type".to_string(),
    }
}

/// Formats a type as an author would write it.
fn format_type(ty: &Type) -> String {
    quote!(#ty).to_string().replace(' ', "").replace(',', ", ")
}
