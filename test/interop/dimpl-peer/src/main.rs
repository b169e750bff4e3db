//! One DTLS association of `dimpl` on a UDP socket on loopback.
//!
//! Arguments: role (client|server), version (12|13|auto), port of the other side (client) or 0, MTU, cookie (0|1),
//! certificate and private key (DER files). Prints a line for each event; data that arrives is sent back.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, Output};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let is_client = args[0] == "client";
    let port: u16 = args[2].parse().unwrap();
    let certificate = DtlsCertificate {
        certificate: std::fs::read(&args[5]).unwrap(),
        private_key: std::fs::read(&args[6]).unwrap(),
    };
    let config = Arc::new(
        Config::builder()
            .mtu(args[3].parse().unwrap())
            .use_server_cookie(args[4] == "1")
            .flight_start_rto(Duration::from_millis(200))
            .build()
            .unwrap(),
    );
    let now = Instant::now();
    let mut dtls = match args[1].as_str() {
        "12" => Dtls::new_12(config, certificate, now),
        "13" => Dtls::new_13(config, certificate, now),
        _ => Dtls::new_auto(config, certificate, now),
    };
    dtls.set_active(is_client);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut peer: Option<SocketAddr> = is_client.then(|| SocketAddr::from(([127, 0, 0, 1], port)));
    println!("listening {}", socket.local_addr().unwrap().port());
    let mut output = vec![0u8; 4096];
    let mut input = vec![0u8; 4096];
    dtls.handle_timeout(Instant::now()).unwrap();
    loop {
        let mut echo: Vec<Vec<u8>> = Vec::new();
        let mut wake = Instant::now() + Duration::from_secs(1);
        loop {
            match dtls.poll_output(&mut output) {
                Output::Packet(packet) => {
                    if let Some(to) = peer {
                        let _ = socket.send_to(packet, to);
                    }
                }
                Output::Timeout(at) => {
                    wake = at;
                    break;
                }
                Output::Connected => println!("connected {:?}", dtls.protocol_version()),
                Output::PeerCert(der) => println!("certificate {}", hex(der)),
                Output::KeyingMaterial(material, profile) => {
                    println!("keys {:?} {}", profile, hex(&material))
                }
                Output::ApplicationData(data) => {
                    println!("data {}", hex(data));
                    echo.push(data.to_vec());
                }
                Output::CloseNotify => {
                    println!("closed");
                    return;
                }
                other => println!("other {other:?}"),
            }
        }
        if !echo.is_empty() {
            for data in echo {
                dtls.send_application_data(&data).unwrap();
            }
            continue;
        }
        let wait = wake.saturating_duration_since(Instant::now());
        socket.set_read_timeout(Some(wait.max(Duration::from_millis(1)))).unwrap();
        let received = socket.recv_from(&mut input);
        dtls.handle_timeout(Instant::now()).unwrap_or_else(|error| fail(&error));
        if let Ok((length, from)) = received {
            peer.get_or_insert(from);
            dtls.handle_packet(&input[..length]).unwrap_or_else(|error| fail(&error));
        }
    }
}

fn fail(error: &dimpl::Error) {
    println!("failed {error:?}");
    std::process::exit(1);
}
