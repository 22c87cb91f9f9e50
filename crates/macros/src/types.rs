//! Types that no value of a call can have.

use quote::quote;
use syn::visit::{Visit, visit_type_reference};
use syn::{Type, TypeImplTrait, TypeReference};

use crate::errors::Mistakes;

pub(crate) fn check_parameter(ty: &Type, mistakes: &mut Mistakes) {
    Check { mistakes, may_borrow: false }.visit_type(ty);
}

pub(crate) fn check_return(ty: &Type, mistakes: &mut Mistakes) {
    Check { mistakes, may_borrow: true }.visit_type(ty);
}

struct Check<'a> {
    mistakes: &'a mut Mistakes,
    may_borrow: bool,
}

impl<'ast> Visit<'ast> for Check<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if self.may_borrow {
            return visit_type_reference(self, reference);
        }
        let owned = owned(&reference.elem);
        self.mistakes.note(reference, format!("an argument cannot be borrowed: take {owned}"));
    }

    fn visit_type_impl_trait(&mut self, opaque: &'ast TypeImplTrait) {
        self.mistakes.note(opaque, "the host has to know the type: name it in place of `impl …`");
    }
}

/// What to take in place of a reference to something.
fn owned(referent: &Type) -> String {
    match referent {
        Type::Path(path) if path.path.is_ident("str") => "an owned `String`".to_string(),
        Type::Slice(slice) => format!("an owned `Vec<{}>`", written(&slice.elem)),
        Type::Path(_) | Type::Tuple(_) | Type::Array(_) => {
            format!("an owned `{}`", written(referent))
        }
        _ => "an owned value".to_string(),
    }
}

/// A type as an author would write it.
fn written(ty: &Type) -> String {
    quote!(#ty).to_string().replace(' ', "").replace(',', ", ")
}
