//! The code that puts a function into the registry.
//!
//! It names nothing but the SDK's crate, and leaves no name behind that an author could meet.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, Ident, ItemFn, ReturnType};

use crate::name::Name;
use crate::parameters::Parameter;
use crate::sdk;

/// A function to export.
pub(crate) struct Export<'a> {
    pub(crate) name: Name,
    /// Where the name comes from.
    pub(crate) span: Span,
    pub(crate) writeable: bool,
    pub(crate) comment: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) function: &'a ItemFn,
}

impl Export<'_> {
    pub(crate) fn into_tokens(self) -> TokenStream {
        let Self { writeable, function, parameters, .. } = self;
        let sdk = sdk::path();
        let private = quote!(#sdk::__private);
        let answer = answer(function);

        let name = option(self.name.wire());
        let comment = option((!self.comment.is_empty()).then_some(self.comment));
        let count = parameters.len();
        let names: Vec<_> = parameters.iter().map(|parameter| &parameter.name).collect();
        let types: Vec<_> = parameters.iter().map(|parameter| &parameter.ty).collect();
        let values: Vec<_> = (0..count)
            .map(|index| format_ident!("value_{index}", span = Span::mixed_site()))
            .collect();
        let answered = answered(
            function,
            quote!(#(
                (&&#private::Parameter::<#types>::NEW)
                    .read(#names, #values, |value| <#types as #private::Argument>::read(value))?
            ),*),
        );
        let returned = returned(function);
        let list = types.iter().rfold(quote!(()), |rest, ty| quote!((#ty, #rest)));
        let encoded = quote!(::core::result::Result<::std::vec::Vec<u8>, ::std::string::String>);

        let unique = unique(self.name.unique(self.span), function);
        let registration = registration(
            function,
            quote_spanned! {Span::mixed_site()=>
                struct SurrealismExport;

                impl #private::Function for SurrealismExport {
                    const NAME: ::core::option::Option<&'static str> = #name;
                    const WRITEABLE: bool = #writeable;
                    const COMMENT: ::core::option::Option<&'static str> = #comment;

                    const ARGS: &'static [&'static str] = &[#(#names),*];

                    fn args() -> #encoded {
                        #[allow(unused_imports)]
                        use #private::{SignatureNative as _, SignatureValue as _};

                        (&&#private::Parameters::<#list>::NEW).encode(
                            Self::ARGS,
                            || ::std::vec![#(<#types as #private::Argument>::kind()),*],
                        )
                    }

                    fn returns() -> #encoded {
                        #[allow(unused_imports)]
                        use #private::{
                            AnswerNative as _, AnswerNativeResult as _, AnswerValue as _,
                        };

                        (&&&#private::Returned::<#returned>::NEW).kind(|| #answer::kind())
                    }

                    fn invoke(args: &[u8]) -> #encoded {
                        #[allow(unused_imports)]
                        use #private::{ReadNative as _, ReadValue as _};

                        let args = #private::Arguments::new(args);
                        let [#(#values),*] = #private::expect::<Self, #count>(&args)?;
                        #answered
                    }
                }

                #sdk::inventory::submit! { #private::Export::of::<SurrealismExport>() }
            },
        );
        quote!(#unique #registration)
    }
}

/// The code that runs a function before the first call.
pub(crate) fn init(function: &ItemFn) -> TokenStream {
    let sdk = sdk::path();
    let answered = answered(function, TokenStream::new());
    let unique = unique(Ident::new("surrealism_init", function.sig.ident.span()), function);
    let registration = registration(
        function,
        quote! {
            #sdk::inventory::submit! {
                #sdk::__private::Init(|| #answered.map(::core::mem::drop))
            }
        },
    );
    quote!(#unique #registration)
}

/// Calls a function with the given arguments.
fn call(function: &ItemFn, arguments: TokenStream) -> TokenStream {
    let ident = &function.sig.ident;
    match function.sig.asyncness {
        Some(_) => {
            let sdk = sdk::path();
            quote!(#sdk::__private::block_on(#ident(#arguments))?)
        }
        None => quote!(#ident(#arguments)),
    }
}

/// Calls a function with the given arguments, and encodes what it returns.
fn answered(function: &ItemFn, arguments: TokenStream) -> TokenStream {
    let (sdk, returned, answer) = (sdk::path(), returned(function), answer(function));
    let call = call(function, arguments);
    quote!({
        #[allow(unused_imports)]
        use #sdk::__private::{AnswerNative as _, AnswerNativeResult as _, AnswerValue as _};

        (&&&#sdk::__private::Returned::<#returned>::NEW)
            .encode(#call, |returned| #answer::encode(returned))
    })
}

/// What a function returns, as the trait that encodes it.
fn answer(function: &ItemFn) -> TokenStream {
    let (sdk, returned) = (sdk::path(), returned(function));
    quote!(<#returned as #sdk::__private::Answer<_>>)
}

fn returned(function: &ItemFn) -> TokenStream {
    match &function.sig.output {
        ReturnType::Type(_, ty) => ty.to_token_stream(),
        ReturnType::Default => quote!(()),
    }
}

/// An item that the compiler refuses to see twice in one crate, in whatever modules.
fn unique(ident: Ident, function: &ItemFn) -> TokenStream {
    let cfgs = cfgs(&function.attrs);
    quote_spanned! {ident.span()=>
        #(#cfgs)*
        #[doc(hidden)]
        #[macro_export]
        macro_rules! #ident { () => {}; }
    }
}

fn registration(function: &ItemFn, items: TokenStream) -> TokenStream {
    let cfgs = cfgs(&function.attrs);
    quote! {
        #(#cfgs)*
        #[allow(deprecated)]
        const _: () = { #items };
    }
}

fn cfgs(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
}

fn option(text: Option<String>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    }
}
