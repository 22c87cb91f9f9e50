//! Untrusted Markdown as safe HTML.

use pulldown_cmark::{Options, Parser, html::push_html};
use surrealism::anyhow::Result;
use surrealism::surrealism;

use crate::check_length;

/// Renders Markdown as HTML that is safe to show: CommonMark with tables and ~~strikethrough~~. Harmless
/// HTML in it stays; scripts, styles, event handlers and unsafe links are removed.
#[surrealism]
pub(crate) fn html(markdown: String) -> Result<String> {
    check_length(&markdown)?;
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut html = String::new();
    push_html(&mut html, Parser::new_ext(&markdown, options));
    Ok(ammonia::clean(&html))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html() {
        for (markdown, expected) in [
            ("", ""),
            ("# Grüße", "<h1>Grüße</h1>\n"),
            (
                "*one* **two** ~~three~~",
                "<p><em>one</em> <strong>two</strong> <del>three</del></p>\n",
            ),
            ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
            ("`a < b`", "<p><code>a &lt; b</code></p>\n"),
            (
                "|a|\n|-|\n|1|",
                "<table><thead><tr><th>a</th></tr></thead><tbody>\n<tr><td>1</td></tr>\n</tbody></table>\n",
            ),
            (
                "[a](https://example.com/?b=c&d=ü)",
                "<p><a href=\"https://example.com/?b=c&amp;d=%C3%BC\" \
                 rel=\"noopener noreferrer\">a</a></p>\n",
            ),
            ("Tom & <b>Jerry</b>", "<p>Tom &amp; <b>Jerry</b></p>\n"),
        ] {
            assert_eq!(html(markdown.into()).unwrap(), expected, "{markdown}");
        }
    }

    #[test]
    fn nothing_that_runs_comes_through() {
        const LINK: &str = "<p><a rel=\"noopener noreferrer\">a</a></p>\n";
        for (markdown, expected) in [
            ("[a](javascript:alert(1))", LINK),
            ("[a](JaVaScRiPt:alert(1))", LINK),
            ("[a](&#106;avascript:alert(1))", LINK),
            ("[a](data:text/html;base64,PHNjcmlwdD4=)", LINK),
            ("[a][1]\n\n[1]: javascript:alert(1)", LINK),
            ("<a href=\"javascript:alert(1)\" onclick=alert(1)>a</a>", LINK),
            // A relative URL: the name of a scheme does not contain `%`.
            (
                "[a](java&#10;script:alert(1))",
                "<p><a href=\"java%0Ascript:alert(1)\" rel=\"noopener noreferrer\">a</a></p>\n",
            ),
            ("![a](javascript:alert(1))", "<p><img alt=\"a\"></p>\n"),
            (
                "![a](x\"onerror=\"alert(1))",
                "<p><img src=\"x%22onerror=%22alert(1)\" alt=\"a\"></p>\n",
            ),
            ("<img src=x onerror=alert(1)>", "<img src=\"x\">"),
            ("<img src=x oNeRrOr=alert(1)//", "<p>&lt;img src=x oNeRrOr=alert(1)//</p>\n"),
            ("<b onclick='alert(1)' style='position: fixed'>a</b>", "<p><b>a</b></p>\n"),
            ("<script>alert(1)</script>", ""),
            ("<scr<script>ipt>alert(1)</script>", "<p>&lt;scr</p>\n"),
            ("`<script>`", "<p><code>&lt;script&gt;</code></p>\n"),
            ("<style>* { display: none }</style>", ""),
            ("<iframe src=https://example.com></iframe>", ""),
            ("<object data=javascript:alert(1)>", ""),
            ("<form action=javascript:alert(1)><button>a</button></form>", "a"),
            ("<svg onload=alert(1)><script>alert(1)</script></svg>", "<p></p>\n"),
            ("<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", "<p></p>"),
            (
                "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
                "<p>&lt;p title=\"<img src=\"x\">\"&gt;</p>\n",
            ),
        ] {
            assert_eq!(html(markdown.into()).unwrap(), expected, "{markdown}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let error = html("x".repeat(crate::MAX_TEXT_BYTES + 1)).unwrap_err().to_string();
        assert!(error.contains("too long"), "{error}");
    }
}
