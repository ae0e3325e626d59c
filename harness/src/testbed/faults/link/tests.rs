use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use super::super::way::{LinkFault, Part};
use super::*;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(10);

/// Sends back what comes, on each connection.
async fn echo() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    (address, task)
}

fn link_to(address: SocketAddr, faults: &[LinkFault]) -> Link {
    let link = Link::open(Box::new(move || Some(address)), 7).unwrap();
    link.set(Way::of(faults.iter().copied()));
    link
}

fn slow(latency: u64, jitter: u64, bandwidth: Option<u64>) -> LinkFault {
    LinkFault::Slow(Pace { latency: Duration::from_millis(latency), jitter: Duration::from_millis(jitter), bandwidth })
}

fn cut(bytes: u64, of: Part) -> LinkFault {
    LinkFault::Cut(Cut { bytes, of })
}

/// Says something and waits until it has come back.
async fn round_trip(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<Duration> {
    let begun = Instant::now();
    stream.write_all(bytes).await?;
    let mut back = vec![0; bytes.len()];
    timeout(LONG, stream.read_exact(&mut back)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    assert_eq!(back, bytes);
    Ok(begun.elapsed())
}

/// All that comes until it ends, and how it ends.
async fn rest(stream: &mut TcpStream) -> (Vec<u8>, io::Result<()>) {
    let (mut came, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match timeout(LONG, stream.read(&mut buffer)).await.unwrap() {
            Ok(0) => return (came, Ok(())),
            Ok(count) => came.extend_from_slice(&buffer[..count]),
            Err(error) => return (came, Err(error)),
        }
    }
}

#[tokio::test]
async fn with_nothing_wrong_all_comes_through_and_ends_as_it_ended() {
    let (address, _echo) = echo().await;
    let link = link_to(address, &[]);
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    let sent: Vec<u8> = (0..1_000_000u32).map(|number| number as u8).collect();
    let (mut read, mut write) = stream.split();
    let sending = async {
        write.write_all(&sent).await.unwrap();
        write.shutdown().await.unwrap();
    };
    let mut came = Vec::new();
    let (_, ended) = tokio::join!(sending, read.read_to_end(&mut came));
    ended.unwrap();
    assert!(came == sent, "{} bytes of {}", came.len(), sent.len());
}

#[tokio::test]
async fn latency_counts_once_in_each_direction_and_ends_with_the_fault() {
    let (address, _echo) = echo().await;
    let link = link_to(address, &[slow(40, 0, None)]);
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    let took = round_trip(&mut stream, b"hello").await.unwrap();
    assert!(took >= Duration::from_millis(80), "{took:?}");
    link.set(Way::default());
    let took = round_trip(&mut stream, b"hello").await.unwrap();
    assert!(took < Duration::from_millis(80), "{took:?}");
}

#[tokio::test]
async fn what_is_on_its_way_holds_nothing_up() {
    let (address, _echo) = echo().await;
    let link = link_to(address, &[slow(50, 0, None)]);
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    let begun = Instant::now();
    let (mut read, mut write) = stream.split();
    let sending = async {
        for _ in 0..20 {
            write.write_all(&[7; 1000]).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let mut came = vec![0; 20_000];
    let (_, all) = tokio::join!(sending, timeout(LONG, read.read_exact(&mut came)));
    all.unwrap().unwrap();
    // Twenty pieces one after the other would take two seconds.
    assert!(begun.elapsed() < Duration::from_millis(1000), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn no_more_than_the_bandwidth_comes_through() {
    let (address, _echo) = echo().await;
    let link = link_to(address, &[slow(0, 0, Some(100_000))]);
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    let took = round_trip(&mut stream, &[1; 20_000]).await.unwrap();
    // 20,000 bytes at 100,000 in a second are 200 ms; the way back runs beside.
    assert!(took >= Duration::from_millis(195), "{took:?}");
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

#[tokio::test]
async fn it_is_cut_after_exactly_so_many_bytes_of_the_answer() {
    let (address, _echo) = echo().await;
    let link = link_to(address, &[cut(10_000, Part::Answer)]);
    for _ in 0..5 {
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        stream.write_all(&[9; 30_000]).await.unwrap();
        let (came, ended) = rest(&mut stream).await;
        assert_eq!(came.len(), 10_000);
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn it_is_cut_after_exactly_so_many_bytes_of_the_request() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let link = link_to(listener.local_addr().unwrap(), &[cut(5000, Part::Request)]);
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    let (mut taken, _) = timeout(LONG, listener.accept()).await.unwrap().unwrap();
    stream.write_all(&[9; 30_000]).await.unwrap();
    let (came, ended) = rest(&mut taken).await;
    assert_eq!(came.len(), 5000);
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_connection_that_was_open_before_is_cut_after_so_many_more_bytes() {
    let (address, _echo) = echo().await;
    let link = link_to(address, &[]);
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    round_trip(&mut stream, &[1; 5000]).await.unwrap();
    link.set(Way::of([cut(100, Part::Answer)]));
    stream.write_all(&[2; 1000]).await.unwrap();
    let (came, ended) = rest(&mut stream).await;
    assert_eq!((came.len(), ended.is_err()), (100, true));
}

#[tokio::test]
async fn refusing_breaks_off_what_was_open() {
    let (address, _echo) = echo().await;
    let link = link_to(address, &[]);
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    round_trip(&mut stream, b"hello").await.unwrap();
    assert!(!link.refuses());
    link.set(Way::of([LinkFault::Refused]));
    assert!(link.refuses());
    let (came, ended) = rest(&mut stream).await;
    assert_eq!((came.len(), ended.unwrap_err().kind()), (0, io::ErrorKind::ConnectionReset));
    // Whoever comes here nevertheless is turned away.
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    assert!(rest(&mut stream).await.1.is_err());
}

#[tokio::test]
async fn what_hangs_in_a_black_hole_goes_on_when_it_is_over() {
    let (address, _echo) = echo().await;
    let link = link_to(address, &[]);
    let mut before = TcpStream::connect(link.address()).await.unwrap();
    round_trip(&mut before, b"hello").await.unwrap();
    link.set(Way::of([LinkFault::BlackHole]));
    let mut meanwhile = TcpStream::connect(link.address()).await.unwrap();
    for stream in [&mut before, &mut meanwhile] {
        stream.write_all(b"lost?").await.unwrap();
        let silent = timeout(Duration::from_millis(50), stream.read_u8()).await;
        assert!(silent.is_err(), "nothing comes");
    }
    link.set(Way::default());
    for stream in [&mut before, &mut meanwhile] {
        let mut back = [0; 5];
        timeout(LONG, stream.read_exact(&mut back)).await.unwrap().unwrap();
        assert_eq!(&back, b"lost?");
    }
}

#[tokio::test]
async fn flapping_begins_with_refusing_and_changes_by_the_clock() {
    let every = Duration::from_millis(50);
    let link = link_to(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)), &[LinkFault::Flapping(every)]);
    let (mut state, begun) = (link.road.state.subscribe(), Instant::now());
    assert!(link.refuses());
    for (turn, flow) in [Flow::Open, Flow::Refused, Flow::Open].into_iter().enumerate() {
        timeout(LONG, state.wait_for(|state| state.flow == flow)).await.unwrap().unwrap();
        // The flapping began a little before this clock.
        let least = every * u32::try_from(turn + 1).unwrap() - Duration::from_millis(10);
        assert!(begun.elapsed() >= least, "{turn}: {:?}", begun.elapsed());
    }
    link.set(Way::default());
    state.mark_unchanged();
    assert!(timeout(3 * every, state.changed()).await.is_err(), "it is over");
    assert!(!link.refuses());
}

#[test]
fn draws_follow_from_the_seed_and_lie_between_nothing_and_all() {
    let draws = |seed: u64| {
        let mut chance = Chance(seed);
        (0..1000).map(|_| chance.fraction()).collect::<Vec<_>>()
    };
    assert_eq!(draws(7), draws(7));
    assert_ne!(draws(7), draws(8));
    let all = draws(7);
    assert!(all.iter().all(|draw| (0.0..1.0).contains(draw)));
    let mean = all.iter().sum::<f64>() / 1000.0;
    assert!((0.45..0.55).contains(&mean), "{mean}");
}

#[test]
fn pieces_are_due_in_order_whatever_is_drawn() {
    let pace =
        Pace { latency: Duration::from_millis(100), jitter: Duration::from_millis(50), bandwidth: Some(1_000_000) };
    let (mut line, begun) = (Line::new(Chance(1)), Instant::now());
    let due: Vec<Duration> = (0..50).map(|_| line.due(begun, 1000, pace) - begun).collect();
    assert!(due.is_sorted());
    assert!(due[0] >= Duration::from_millis(101) && due[0] <= Duration::from_millis(151), "{:?}", due[0]);
    assert!(due[49] >= Duration::from_millis(150), "fifty pieces of a millisecond each: {:?}", due[49]);
    assert!(due.windows(2).any(|pair| pair[0] != pair[1]));
}
