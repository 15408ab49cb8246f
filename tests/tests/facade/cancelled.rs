//! R17 through the facade: any call may be dropped at any point, a token exchange under way included.

use std::sync::Arc;
use std::task::Poll;

use skyflow::{Credentials, DetokenizeRequest, Error, GetRequest, Vault, VaultConfig};
use skyflow_emulator::{EmbeddedVault, Operation};
use skyflow_http::ManualClock;
use skyflow_testkit::polling::Stepped;
use skyflow_tests::clients::{TOKEN_URI, insert_card, over, yielding};

/// A client whose first call has to mint a token.
fn client(vault: &EmbeddedVault) -> Vault {
    vault.clear_journal();
    let credentials = Credentials::from_json(vault.credentials_json(TOKEN_URI).expose()).unwrap();
    let config = VaultConfig::new(vault.vault_id(), vault.cluster_id()).credentials(credentials);
    let clock = Arc::new(ManualClock::new());
    over(yielding(vault)).clock(clock).vault(config).build().unwrap().default_vault().unwrap()
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Insert,
    Batch,
    Get,
    Detokenize,
}

async fn run(call: Call, vault: Vault) -> Result<(), Error> {
    match call {
        Call::Insert => vault.insert(insert_card()).await.map(drop),
        Call::Batch => vault.insert(insert_card().continue_on_error(true)).await.map(drop),
        Call::Get => vault.get(GetRequest::new("table1").all_rows()).await.map(drop),
        Call::Detokenize => {
            let request = DetokenizeRequest::new().token("unknown").continue_on_error(true);
            vault.detokenize(request).await.map(drop)
        }
    }
}

fn finish(call: &mut Stepped<impl Future<Output = Result<(), Error>>>, what: &str) {
    for _ in 0..1_000 {
        if let Poll::Ready(result) = call.step() {
            return result.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        }
    }
    panic!("{what}: the call does not end");
}

fn exchanges(vault: &EmbeddedVault) -> usize {
    vault.journal().iter().filter(|e| e.operation == Some(Operation::AuthenticationGetToken.name())).count()
}

#[test]
fn rel_r17_call_after_a_dropped_call_works() {
    let vault = EmbeddedVault::builder().build().unwrap();
    for call in [Call::Insert, Call::Batch, Call::Get, Call::Detokenize] {
        for polls in 0.. {
            let client = client(&vault);
            let mut dropped = Stepped::new(run(call, client.clone()));
            let ended = (0..polls).any(|_| dropped.step().is_ready());
            drop(dropped);
            let what = format!("{call:?} dropped after {polls} polls");
            finish(&mut Stepped::new(run(call, client)), &what);
            assert!((1..=2).contains(&exchanges(&vault)), "{what}: {} exchanges", exchanges(&vault));
            if ended {
                assert!(polls > 4, "the sweep saw the exchange and the call: {polls}");
                break;
            }
        }
    }
}

#[test]
fn rel_r17_dropped_token_caller_fails_no_other() {
    const OTHERS: usize = 20;
    let vault = EmbeddedVault::builder().build().unwrap();
    for polls in 0.. {
        let client = client(&vault);
        let mut leader = Stepped::new(run(Call::Get, client.clone()));
        let mut others: Vec<_> = (0..OTHERS).map(|_| Stepped::new(run(Call::Get, client.clone()))).collect();
        // The leader is the first in line for the exchange; the others come while it is under way.
        let mut led = false;
        for _ in 0..polls {
            led = leader.step().is_ready();
            if led {
                break;
            }
            others.retain_mut(|other| match other.step() {
                Poll::Ready(result) => result.map(|()| false).unwrap(),
                Poll::Pending => true,
            });
        }
        drop(leader);
        let what = format!("leader dropped after {polls} polls");
        others.iter_mut().for_each(|other| finish(other, &what));
        assert!((1..=2).contains(&exchanges(&vault)), "{what}: {} exchanges", exchanges(&vault));
        if led {
            assert!(polls > 4, "the sweep saw the exchange and the call: {polls}");
            return;
        }
    }
}
