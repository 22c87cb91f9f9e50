//! Generates the code that registers a function.
//!
//! The code is hygienic: it refers to the SDK by absolute paths, and defines no name that an author's code
//! can collide with.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, Ident, ItemFn, ReturnType};

use crate::name::Name;
use crate::parameters::Parameter;

/// A function to export.
pub(crate) struct Export<'a> {
    pub(crate) name: Name,
    /// Whether the name begins with that of a marked module.
    pub(crate) is_in_namespace: bool,
    /// Where the name is in the source.
    pub(crate) span: Span,
    pub(crate) writeable: bool,
    pub(crate) comment: Option<TokenStream>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) function: &'a ItemFn,
    /// The path of the SDK.
    pub(crate) sdk: TokenStream,
}

impl Export<'_> {
    /// Returns the registration of the function, without the function itself.
    pub(crate) fn into_tokens(self) -> TokenStream {
        let Self { writeable, is_in_namespace, function, parameters, sdk, .. } = self;
        let private = quote!(#sdk::__private);
        let into_return = into_return(function, &sdk);

        let name = option(self.name.export_name());
        let comment = option(self.comment);
        let count = parameters.len();
        let names: Vec<_> = parameters.iter().map(|parameter| &parameter.name).collect();
        let types: Vec<_> = parameters.iter().map(|parameter| &parameter.ty).collect();
        let values: Vec<_> = (0..count)
            .map(|index| format_ident!("value_{index}", span = Span::mixed_site()))
            .collect();
        let encoded_call = encoded_call(
            function,
            &sdk,
            quote!(#(
                (&&#private::ArgumentDispatch::<#types>::NEW)
                    .decode(#names, #values, |value| {
                        <#types as #private::FromArgument>::from_argument(value)
                    })?
            ),*),
        );
        let call = call(function, &sdk, quote!(#(#values),*));
        let pattern = values.iter().rfold(quote!(()), |rest, value| quote!((#value, #rest)));
        let returned = returned(function);
        let list = types.iter().rfold(quote!(()), |rest, ty| quote!((#ty, #rest)));
        let encoded = quote!(::core::result::Result<::std::vec::Vec<u8>, ::std::string::String>);

        let place = file() + &macro_call(function);
        let marker = marker(self.name.marker_ident(self.span, &place), function);
        let registration = registration(
            function,
            quote_spanned! {Span::mixed_site()=>
                struct SurrealismExport;

                impl #private::Function for SurrealismExport {
                    const NAME: ::core::option::Option<&'static str> = #name;
                    const MODULE: &'static str = ::core::module_path!();
                    const IS_IN_NAMESPACE: bool = #is_in_namespace;
                    const WRITEABLE: bool = #writeable;
                    const COMMENT: ::core::option::Option<&'static str> = #comment;

                    const ARGS: &'static [&'static str] = &[#(#names),*];

                    fn args() -> #encoded {
                        #[allow(unused_imports)]
                        use #private::{SignatureNative as _, SignatureValue as _};

                        (&&#private::SignatureDispatch::<#list>::NEW).encode(
                            Self::ARGS,
                            || ::std::vec![#(<#types as #private::FromArgument>::kind()),*],
                        )
                    }

                    fn returns() -> #encoded {
                        #[allow(unused_imports)]
                        use #private::{
                            ReturnNative as _, ReturnNativeResult as _, ReturnValue as _,
                        };

                        (&&&#private::ReturnDispatch::<#returned>::NEW)
                            .kind(|| #into_return::kind())
                    }

                    fn invoke(args: &[u8]) -> #encoded {
                        #[allow(unused_imports)]
                        use #private::{ArgumentNative as _, ArgumentValue as _};

                        let args = #private::Arguments::new(args);
                        let [#(#values),*] = #private::expect::<Self, #count>(&args)?;
                        #encoded_call
                    }

                    fn column_types() -> ::std::vec::Vec<u8> {
                        #[allow(unused_imports)]
                        use #private::{Columns as _, FallibleColumns as _, NoColumns as _};

                        (&&&#private::ColumnsDispatch::<#list, #returned>::NEW).types()
                    }

                    fn invoke_columns(
                        rows: usize,
                        columns: &[u8],
                        results: &mut ::std::vec::Vec<u8>,
                    ) -> ::core::result::Result<(), ::std::string::String> {
                        #[allow(unused_imports)]
                        use #private::{Columns as _, FallibleColumns as _, NoColumns as _};

                        (&&&#private::ColumnsDispatch::<#list, #returned>::NEW)
                            .invoke(rows, columns, results, |#pattern| {
                                ::core::result::Result::Ok(#call)
                            })
                    }
                }

                #sdk::inventory::submit! { #private::Export::new::<SurrealismExport>() }
            },
        );
        quote!(#marker #registration)
    }
}

/// Returns the code that registers a function to run before the first call.
pub(crate) fn init(function: &ItemFn, sdk: &TokenStream) -> TokenStream {
    let encoded_call = encoded_call(function, sdk, TokenStream::new());
    let marker = marker(Ident::new("surrealism_init", function.sig.ident.span()), function);
    let registration = registration(
        function,
        quote! {
            #sdk::inventory::submit! {
                #sdk::__private::Init(|| #encoded_call.map(::core::mem::drop))
            }
        },
    );
    quote!(#marker #registration)
}

/// Returns a call of a function with the given arguments.
fn call(function: &ItemFn, sdk: &TokenStream, arguments: TokenStream) -> TokenStream {
    let ident = &function.sig.ident;
    match function.sig.asyncness {
        Some(_) => quote!(#sdk::__private::block_on(#ident(#arguments))?),
        None => quote!(#ident(#arguments)),
    }
}

/// Returns a call of a function that encodes its result.
fn encoded_call(function: &ItemFn, sdk: &TokenStream, arguments: TokenStream) -> TokenStream {
    let (private, returned) = (quote!(#sdk::__private), returned(function));
    let into_return = into_return(function, sdk);
    let call = call(function, sdk, arguments);
    quote!({
        #[allow(unused_imports)]
        use #private::{
            CheckedNumbers as _, ReturnNative as _, ReturnNativeResult as _, ReturnValue as _,
            UncheckedNumbers as _,
        };

        (&&&#private::ReturnDispatch::<#returned>::NEW).encode(#call, |returned| {
            (&&#private::NumbersDispatch::<#returned>::NEW).check(&returned)?;
            #into_return::encode(returned)
        })
    })
}

/// Returns the path of the trait that encodes what a function returns.
fn into_return(function: &ItemFn, sdk: &TokenStream) -> TokenStream {
    let returned = returned(function);
    quote!(<#returned as #sdk::__private::IntoReturn<_>>)
}

/// Returns the type that a function returns.
fn returned(function: &ItemFn) -> TokenStream {
    match &function.sig.output {
        ReturnType::Type(_, ty) => ty.to_token_stream(),
        ReturnType::Default => quote!(()),
    }
}

/// Returns the name of the source file and of its directory. An export of one name may be in each of several
/// files, which may be namespaces.
fn file() -> String {
    if !proc_macro::is_available() {
        return String::new();
    }
    let path = Span::call_site().unwrap().file();
    let segments = path.rsplit(['/', '\\']).take(2).collect::<Vec<_>>();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    segments.iter().rev().map(|name| format!("_{}", name.replace(|c| !is_word(c), "_"))).collect()
}

/// Returns what tells a function that a `macro_rules!` made from those of its other calls, which may be in
/// other marked modules. Empty for a function that is written out.
fn macro_call(function: &ItemFn) -> String {
    // `#0 bytes(1..3)`: the number is that of the call. The compiler tells it in no other way. Without it, a
    // name of two such functions is refused here, and not where the archive is built.
    let span = format!("{:?}", function.sig.fn_token.span);
    let call = span.strip_prefix('#').and_then(|rest| rest.split_once(' ')).map(|(call, _)| call);
    match call {
        Some(call) if call != "0" && call.bytes().all(|b| b.is_ascii_digit()) => format!("_{call}"),
        _ => String::new(),
    }
}

/// Returns an item that the compiler accepts once in a crate, in any module: an exported macro.
fn marker(ident: Ident, function: &ItemFn) -> TokenStream {
    let cfgs = cfgs(&function.attrs);
    quote_spanned! {ident.span()=>
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_local_definitions)]
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

fn option(text: Option<impl ToTokens>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    }
}
