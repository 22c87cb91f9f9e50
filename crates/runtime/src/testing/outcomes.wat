;; A plugin with a function for each outcome of a call. It reads no arguments, and returns a constant or what
;; the host answers: so it needs no codec. `outcomes.wasm` is assembled from this file; a test compares them.
(component
  (import "surrealism:plugin/host" (instance $host
    (export "sql" (func (param "query" string) (param "vars" (list u8))
      (result (result (list u8) (error string)))))
    (export "run" (func (param "fnc" string) (param "version" (option string)) (param "args" (list u8))
      (result (result (list u8) (error string)))))
    (export "kv-get" (func (param "key" string)
      (result (result (option (list u8)) (error string)))))
    (export "kv-set" (func (param "key" string) (param "value" (list u8))
      (result (result (error string)))))))
  (import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (export "output-stream" (type $output-stream (sub resource)))
    (type $failure (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failure)))
    (export "[method]output-stream.blocking-write-and-flush" (func
      (param "self" (borrow $output-stream)) (param "contents" (list u8))
      (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $outer-stream))
    (export "output-stream" (type $output-stream (eq $outer-stream)))
    (export "get-stdout" (func (result (own $output-stream))))))
  (import "wasi:cli/stderr@0.2.0" (instance $stderr
    (alias outer 1 $output-stream (type $outer-stream))
    (export "output-stream" (type $output-stream (eq $outer-stream)))
    (export "get-stderr" (func (result (own $output-stream))))))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $outer-pollable))
    (export "pollable" (type $pollable (eq $outer-pollable)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))

  (core module $memory
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 8192))
    ;; Allocates by counting up. The main module resets it at the start of each call.
    (func (export "reset") (global.set $next (i32.const 8192)))
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and
        (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
        (then
          (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1)
                (i32.shr_u (local.get $size) (i32.const 16)))))
            (then unreachable))))
      (local.get $at)))
  (core instance $m (instantiate $memory))

  (core func $sql (canon lower (func $host "sql") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $run (canon lower (func $host "run") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $kv-get
    (canon lower (func $host "kv-get") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $kv-set
    (canon lower (func $host "kv-set") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $drop-pollable (canon resource.drop $pollable))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
    (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $drop-stream (canon resource.drop $output-stream))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $get-stderr (canon lower (func $stderr "get-stderr")))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))

  (core module $main
    (import "m" "memory" (memory 2))
    (import "m" "reset" (func $reset))
    (import "h" "sql" (func $sql (param i32 i32 i32 i32 i32)))
    (import "h" "run" (func $run (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "h" "kv-get" (func $kv-get (param i32 i32 i32)))
    (import "h" "kv-set" (func $kv-set (param i32 i32 i32 i32 i32)))
    (import "h" "block" (func $block (param i32)))
    (import "h" "drop-pollable" (func $drop-pollable (param i32)))
    (import "h" "write" (func $write (param i32 i32 i32 i32)))
    (import "h" "drop-stream" (func $drop-stream (param i32)))
    (import "h" "get-stdout" (func $get-stdout (result i32)))
    (import "h" "get-stderr" (func $get-stderr (result i32)))
    (import "h" "subscribe" (func $subscribe (param i64) (result i32)))

    ;; Results are written at 16, and those of writing to a stream at 48.
    (data (i32.const 64) "the plugin says no")            ;; 18 bytes
    (data (i32.const 128) "RETURN 42")                    ;; 9 bytes
    (data (i32.const 160) "fn::outcome")                  ;; 11 bytes
    (data (i32.const 192) "outcome")                      ;; 7 bytes
    (data (i32.const 224) "a line of the plugin\n")       ;; 21 bytes
    (data (i32.const 256)
      "thread 'main' panicked at outcomes.wat:1:1:\nthe plugin panicked on purpose\n") ;; 75 bytes
    (data (i32.const 512) "no such function")             ;; 16 bytes
    ;; Encoded values: 42 at 1024, no variables at 2048, no arguments at 3072.
    (data (i32.const 1024)
      "\10\00\00\00\00\00\00\00\08\00\0e\00\07\00\08\00\08\00\00\00\00\00\00\03"
      "\0c\00\00\00\00\00\06\00\0c\00\04\00\06\00\00\00\2a\00\00\00\00\00\00\00")
    (data (i32.const 2048) "\0c\00\00\00\00\00\06\00\08\00\04\00\06\00\00\00\04\00\00\00\00\00\00\00")
    (data (i32.const 3072) "\0c\00\00\00\00\00\06\00\08\00\04\00\06\00\00\00\04\00\00\00\00\00\00\00")

    ;; Writes a result: 0 for a value, 1 for an error.
    (func $result (param $kind i32) (param $at i32) (param $length i32) (result i32)
      (i32.store8 (i32.const 16) (local.get $kind))
      (i32.store (i32.const 20) (local.get $at))
      (i32.store (i32.const 24) (local.get $length))
      (i32.const 16))
    (func $answer (result i32)
      (call $result (i32.const 0) (i32.const 1024) (i32.const 48)))
    (func $print (param $stream i32) (param $at i32) (param $length i32)
      (call $write (local.get $stream) (local.get $at) (local.get $length) (i32.const 48))
      (call $drop-stream (local.get $stream)))
    (func $recurse (param $n i32) (result i32)
      (i32.add (call $recurse (i32.add (local.get $n) (i32.const 1))) (local.get $n)))
    (func $is (param $at i32) (param $first i32) (result i32)
      (i32.eq (i32.load16_u (local.get $at)) (local.get $first)))

    ;; Functions are told apart by the first two letters of their names.
    (func (export "invoke") (param $named i32) (param $name i32) (param $length i32)
      (param i32 i32) (result i32)
      (local $handle i32)
      (call $reset)
      (if (i32.or (i32.eqz (local.get $named)) (i32.lt_u (local.get $length) (i32.const 2)))
        (then (return (call $result (i32.const 1) (i32.const 512) (i32.const 16)))))
      ;; answer, answer_to
      (if (call $is (local.get $name) (i32.const 0x6e61)) (then (return (call $answer))))
      ;; fail
      (if (call $is (local.get $name) (i32.const 0x6166))
        (then (return (call $result (i32.const 1) (i32.const 64) (i32.const 18)))))
      ;; panic
      (if (call $is (local.get $name) (i32.const 0x6170))
        (then (call $print (call $get-stderr) (i32.const 256) (i32.const 75)) unreachable))
      ;; trap
      (if (call $is (local.get $name) (i32.const 0x7274)) (then unreachable))
      ;; spin
      (if (call $is (local.get $name) (i32.const 0x7073)) (then (loop $forever (br $forever))))
      ;; hog
      (if (call $is (local.get $name) (i32.const 0x6f68))
        (then
          (loop $more
            (br_if $more (i32.ne (i32.const -1) (memory.grow (i32.const 16)))))
          unreachable))
      ;; recurse
      (if (call $is (local.get $name) (i32.const 0x6572))
        (then (drop (call $recurse (i32.const 0)))))
      ;; sleep, for an hour
      (if (call $is (local.get $name) (i32.const 0x6c73))
        (then
          (local.set $handle (call $subscribe (i64.const 3600000000000)))
          (call $block (local.get $handle))
          (call $drop-pollable (local.get $handle))
          (return (call $answer))))
      ;; print
      (if (call $is (local.get $name) (i32.const 0x7270))
        (then
          (call $print (call $get-stdout) (i32.const 224) (i32.const 21))
          (return (call $answer))))
      ;; sql: what the host answers is the result
      (if (call $is (local.get $name) (i32.const 0x7173))
        (then
          (call $sql (i32.const 128) (i32.const 9) (i32.const 2048) (i32.const 24)
            (i32.const 16))
          (return (i32.const 16))))
      ;; run
      (if (call $is (local.get $name) (i32.const 0x7572))
        (then
          (call $run (i32.const 160) (i32.const 11) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 3072) (i32.const 24) (i32.const 16))
          (return (i32.const 16))))
      ;; kv: sets a key, and returns what it reads
      (if (call $is (local.get $name) (i32.const 0x766b))
        (then
          (call $kv-set (i32.const 192) (i32.const 7) (i32.const 1024) (i32.const 48)
            (i32.const 16))
          (if (i32.load8_u (i32.const 16)) (then (return (i32.const 16))))
          (call $kv-get (i32.const 192) (i32.const 7) (i32.const 16))
          ;; An error has its text where the result wants it; a value is one place behind, in an option.
          (if (i32.load8_u (i32.const 16)) (then (return (i32.const 16))))
          (return (call $result (i32.const 0) (i32.load (i32.const 24)) (i32.load (i32.const 28))))))
      (call $result (i32.const 1) (i32.const 512) (i32.const 16))))
  (core instance $i (instantiate $main
    (with "m" (instance $m))
    (with "h" (instance
      (export "sql" (func $sql)) (export "run" (func $run))
      (export "kv-get" (func $kv-get)) (export "kv-set" (func $kv-set))
      (export "block" (func $block)) (export "drop-pollable" (func $drop-pollable))
      (export "write" (func $write)) (export "drop-stream" (func $drop-stream))
      (export "get-stdout" (func $get-stdout)) (export "get-stderr" (func $get-stderr))
      (export "subscribe" (func $subscribe))))))

  (func (export "invoke") (param "name" (option string)) (param "args" (list u8))
    (result (result (list u8) (error string)))
    (canon lift (core func $i "invoke") (memory $m "memory") (realloc (func $m "realloc")))))
