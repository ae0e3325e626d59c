use super::*;

fn both(check: impl Fn(&dyn Store)) {
    check(&MemoryStore::new());
    let folder = tempfile::tempdir().unwrap();
    check(&RedbStore::open(&folder.path().join("new/state.redb")).unwrap());
}

#[test]
fn what_was_put_is_read_in_the_order_of_keys_and_by_table() {
    both(|store| {
        let batch = Batch::new()
            .put(Table::Peers, "b", *b"2")
            .put(Table::Peers, "a", *b"1")
            .put(Table::Replay, "a", *b"other")
            .put(Table::Identity, "z", *b"other");
        store.commit(batch).unwrap();
        assert_eq!(store.read(Table::Peers, "a").unwrap().unwrap(), b"1");
        assert_eq!(store.read(Table::Terminals, "a").unwrap(), None);
        assert_eq!(store.scan(Table::Peers).unwrap(), [("a".to_owned(), b"1".to_vec()), ("b".into(), b"2".to_vec())]);
    });
}

#[test]
fn within_a_batch_the_later_change_wins() {
    both(|store| {
        let batch = Batch::new().put(Table::Peers, "a", *b"1").remove(Table::Peers, "a").remove(Table::Peers, "b").put(
            Table::Peers,
            "b",
            *b"2",
        );
        store.commit(batch).unwrap();
        assert_eq!(store.scan(Table::Peers).unwrap(), [("b".to_owned(), b"2".to_vec())]);
    });
}

#[test]
fn json_comes_back_and_a_broken_entry_names_table_and_key() {
    both(|store| {
        let batch =
            Batch::new().put_json(Table::Settings, "n", &vec![1, 2]).unwrap().put(Table::Settings, "broken", *b"{");
        store.commit(batch).unwrap();
        assert_eq!(read_json::<Vec<u8>>(store, Table::Settings, "n").unwrap(), Some(vec![1, 2]));
        let error = scan_json::<Vec<u8>>(store, Table::Settings).unwrap_err();
        assert!(error.to_string().contains("the entry `broken` of Settings can't be read"), "{error}");
    });
}

#[test]
fn neither_batch_nor_store_shows_values() {
    let batch = Batch::new().put(Table::Identity, "own", *b"secret");
    let shown = format!("{batch:?}");
    assert!(shown.contains("own") && !shown.contains("secret") && !shown.contains("115"), "{shown}");
    let store = MemoryStore::new();
    store.commit(batch).unwrap();
    assert_eq!(format!("{store:?}"), "MemoryStore(1 entries)");
}

#[test]
fn a_file_is_opened_again_with_what_was_in_it_and_only_its_owner_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    let store = RedbStore::open(&path).unwrap();
    store.commit(Batch::new().put(Table::Peers, "a", *b"1")).unwrap();
    drop(store);
    let store = RedbStore::open(&path).unwrap();
    assert_eq!(store.read(Table::Peers, "a").unwrap().unwrap(), b"1");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}

#[test]
fn a_file_that_is_no_database_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    std::fs::write(&path, [b'x'; 10_000]).unwrap();
    let error = RedbStore::open(&path).unwrap_err().to_string();
    assert!(error.contains("state.redb"), "{error}");
}

#[test]
fn commits_from_many_threads_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    let store = RedbStore::open(&path).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..20 {
                    let batch = Batch::new().put(Table::Peers, format!("{thread}-{n}"), *b"x");
                    store.commit(batch).unwrap();
                }
            });
        }
    });
    assert_eq!(store.scan(Table::Peers).unwrap().len(), 160);
}

/// A crash: this test starts itself as a child that writes and acknowledges without end, and kills it in the middle.
#[cfg(unix)]
#[test]
fn an_acknowledged_write_survives_kill_9() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    const STATE: &str = "PORTAL_CORE_TEST_CRASHING_STATE";
    if let Some(path) = std::env::var_os(STATE) {
        let store = RedbStore::open(Path::new(&path)).unwrap();
        let mut out = std::io::stdout();
        let process = std::process::id();
        for n in 0.. {
            let key = format!("{process}-{n}");
            store.commit(Batch::new().put(Table::Peers, key.as_str(), *b"x")).unwrap();
            writeln!(out, "acknowledged {key}").unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    let mut acknowledged = Vec::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::an_acknowledged_write_survives_kill_9", "--nocapture"])
            .env(STATE, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        for line in lines {
            let line = line.unwrap();
            // The runner's own output may stand before it on the line.
            if let Some((_, key)) = line.split_once("acknowledged ") {
                acknowledged.push(key.to_owned());
                seen += 1;
            }
            if seen == 40 * round {
                // SIGKILL on unix; what it still had acknowledged is read before the pipe ends.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= 40 * round, "only {seen} writes before the kill");
        let store = RedbStore::open(&path).unwrap();
        for key in &acknowledged {
            assert!(store.read(Table::Peers, key).unwrap().is_some(), "{key} was acknowledged and is lost");
        }
    }
}
