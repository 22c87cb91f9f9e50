
    /// A host answers what a function asks of the database, by `sql`, `run` and `kv`.
    #[test]
    fn a_host_answers() {
        let title = || "Hello World".to_string();
        let slug = || "hello-world".to_string();
        let _host = Host::new().expect(Expected::run("string::slug", (title(),)).returns(slug()));
        let answer: String = surrealism::run("string::slug", None, (title(),)).unwrap();
        assert_eq!(answer, slug());
    }
