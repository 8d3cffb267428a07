//! The hooks of one event, one after another.

use helm::release::{Hook, HookDeletePolicy, HookExecution, HookPhase};
use jiff::Timestamp;
use serde_json::Value;

use super::delete::{delete, is_deleted};
use super::{HookFailure, HookOptions, HooksOutcome, Ledger};
use crate::apply::{Applied, Sent, apply_object, create_object, refusal_text};
use crate::cluster::{ApplyMode, Resource};
use crate::manifest::{in_namespace, read_objects};
use crate::report::{Level, RolloutEvent};
use crate::wait::{Rule, WaitOptions, WaitOutcome, wait_for};
use crate::{ClusterError, Execution, ObjectKey, RolloutError};

/// One object of a hook (nearly always there is just one), complete with its namespace.
struct Piece {
    resource: Resource,
    key: ObjectKey,
    object: Value,
}

/// Runs what the ledger's record has for its event.
pub(crate) async fn run(
    execution: Execution<'_>,
    ledger: &mut Ledger<'_>,
    options: &HookOptions,
) -> Result<HooksOutcome, RolloutError> {
    let order = ledger.order();
    let total = u32::try_from(order.len()).unwrap_or(u32::MAX);
    let mut done = 0;
    for (at, index) in order.iter().copied().enumerate() {
        let name = ledger.hook(index).name.clone();
        let waiting = order[at..].iter().map(|index| ledger.hook(*index).name.clone()).collect();
        execution.tell(RolloutEvent::Progress { done, total, waiting }).await;
        if ledger.hook(index).last_run.phase == HookPhase::Succeeded {
            let text = format!("{} hook {name} has run already", ledger.event);
            execution.say(Level::Info, None, text).await;
        } else if let Some(failure) = run_hook(execution, ledger, index, options).await? {
            if failure.ran {
                delete_after_failure(execution, ledger, index, &order[..at], options).await?;
            }
            return Ok(HooksOutcome::Failed(failure.failure.blamed(ledger.namespace())));
        }
        done += 1;
    }
    for index in order.iter().rev().copied() {
        let policy = HookDeletePolicy::Succeeded;
        if let Err(text) = delete_by(execution, ledger, index, &policy, options).await? {
            let hook = ledger.hook(index);
            let failure = Box::new(HookFailure::new(hook, &ledger.event, text));
            return Ok(HooksOutcome::Failed(failure.blamed(ledger.namespace())));
        }
    }
    execution.tell(RolloutEvent::Progress { done, total, waiting: Vec::new() }).await;
    Ok(HooksOutcome::Done { hooks: total })
}

struct Failed {
    failure: Box<HookFailure>,
    /// Whether it ran; else it could not even be created, and Helm then deletes nothing.
    ran: bool,
}

/// Runs one hook, or goes on with a run that another has begun.
async fn run_hook(
    execution: Execution<'_>,
    ledger: &mut Ledger<'_>,
    index: usize,
    options: &HookOptions,
) -> Result<Option<Failed>, RolloutError> {
    let before = ledger.hook(index).last_run.clone();
    let failed = |ledger: &Ledger<'_>, text: String| {
        Box::new(HookFailure::new(ledger.hook(index), &ledger.event, text))
    };
    let pieces = match pieces(execution, ledger, index).await? {
        Ok(pieces) => pieces,
        Err(text) => return Ok(Some(Failed { failure: failed(ledger, text), ran: false })),
    };
    let started = match before.started_at {
        Some(started) if before.phase != HookPhase::NotRun => started,
        _ => {
            let policy = HookDeletePolicy::BeforeHookCreation;
            if let Err(text) = delete_by(execution, ledger, index, &policy, options).await? {
                return Ok(Some(Failed { failure: failed(ledger, text), ran: false }));
            }
            let started = Timestamp::now();
            ledger.note(index, HookExecution::started(started)).await?;
            started
        }
    };
    let resumed = before.phase != HookPhase::NotRun;
    if before.phase != HookPhase::Failed
        && let Err(text) = create(execution, ledger, index, &pieces, resumed).await?
    {
        let text =
            format!("warning: Hook {} {} failed: {text}", ledger.event, ledger.hook(index).path);
        ledger.note(index, HookExecution::ended(started, HookPhase::Failed)).await?;
        return Ok(Some(Failed { failure: failed(ledger, text), ran: false }));
    }
    let over = before.phase == HookPhase::Failed;
    let ended = wait_for_end(execution, &pieces, started, over, options).await?;
    // Once the record says how it ended, nobody reads its log again.
    execution.reporter.kept().await;
    match ended {
        WaitOutcome::Ready if !over => {
            ledger.note(index, HookExecution::ended(started, HookPhase::Succeeded)).await?;
            let text = format!("{} hook {} succeeded", ledger.event, ledger.hook(index).name);
            execution.say(Level::Info, pieces.first().map(|piece| &piece.key), text).await;
            Ok(None)
        }
        outcome => {
            if !over {
                ledger.note(index, HookExecution::ended(started, HookPhase::Failed)).await?;
            }
            let mut failure = failed(ledger, String::new());
            (failure.text, failure.culprits) = match outcome {
                WaitOutcome::NotReady { text, culprits, deadline_exceeded, .. }
                    if !(over && deadline_exceeded) =>
                {
                    (text, culprits)
                }
                _ => ("its object is gone by now".to_owned(), Vec::new()),
            };
            Ok(Some(Failed { failure, ran: true }))
        }
    }
}

/// The hook's objects as they are sent; the inner error is Helm's, where it cannot be built.
async fn pieces(
    execution: Execution<'_>,
    ledger: &Ledger<'_>,
    index: usize,
) -> Result<Result<Vec<Piece>, String>, RolloutError> {
    let hook = ledger.hook(index);
    let unbuilt = |cause: String| {
        let (event, path) = (&ledger.event, &hook.path);
        format!("unable to build kubernetes object for {event} hook {path}: {cause}")
    };
    let objects = match read_objects(&hook.manifest) {
        Ok(objects) => objects,
        Err(error) => return Ok(Err(unbuilt(error.to_string()))),
    };
    let mut pieces = Vec::new();
    for wanted in objects {
        let resource = match execution.cluster.resource(&wanted.key).await {
            Ok(resource) => resource,
            Err(error @ ClusterError::NoSuchKind { .. }) => {
                return Ok(Err(unbuilt(error.to_string())));
            }
            Err(error) => return Err(error.into()),
        };
        let key = resource.locate(&wanted.key, ledger.namespace());
        let object = in_namespace(&wanted.object, &key);
        pieces.push(Piece { resource, key, object });
    }
    Ok(Ok(pieces))
}

/// Creates the hook's objects; of a run that was begun already only what is missing.
async fn create(
    execution: Execution<'_>,
    ledger: &Ledger<'_>,
    index: usize,
    pieces: &[Piece],
    resumed: bool,
) -> Result<Result<(), String>, RolloutError> {
    let Hook { name, weight, .. } = ledger.hook(index);
    let event = &ledger.event;
    for Piece { resource, key, object } in pieces {
        if resumed {
            if execution.cluster.get(resource, key).await?.is_some() {
                let text = format!("{event} hook {name} was begun already; {key} is waited for");
                execution.say(Level::Info, Some(key), text).await;
                continue;
            }
            let text =
                format!("{event} hook {name} was begun, but {key} is not there: it is run again");
            execution.say(Level::Warning, Some(key), text).await;
        } else {
            let text = format!("Running {event} hook {name} (weight {weight}): {key}");
            execution.say(Level::Info, Some(key), text).await;
        }
        let sent = if ledger.is_client_side() {
            create_object(execution, resource, key, object).await?
        } else {
            apply_object(execution, resource, key, object, ApplyMode::default()).await?
        };
        match sent {
            Ok(_) => {}
            Err((error, _)) if error.is_transient() => return Err(error.into()),
            Err((error, Sent::Created)) => return Ok(Err(error.server_message())),
            Err((error, sent)) => return Ok(Err(refusal_text(key, &error, sent))),
        }
    }
    Ok(Ok(()))
}

/// Waits until the hook has run to its end; of one that is `over` only its state is read.
async fn wait_for_end(
    execution: Execution<'_>,
    pieces: &[Piece],
    started: Timestamp,
    over: bool,
    options: &HookOptions,
) -> Result<WaitOutcome, RolloutError> {
    let deadline = if over {
        Timestamp::now()
    } else {
        started.saturating_add(options.timeout).unwrap_or(Timestamp::MAX)
    };
    let waiting = WaitOptions {
        deadline,
        since: started.saturating_sub(options.clock_skew).unwrap_or(started),
        jobs: true,
        end_when_hopeless: options.end_when_hopeless,
        cursor: options.cursor.clone(),
    };
    let keys = pieces.iter().map(|piece| piece.key.clone()).collect();
    wait_for(execution, keys, Applied::default(), Rule::Hook, waiting).await
}

/// Deletes the object of a hook if its policy has this occasion.
async fn delete_by(
    execution: Execution<'_>,
    ledger: &Ledger<'_>,
    index: usize,
    policy: &HookDeletePolicy,
    options: &HookOptions,
) -> Result<Result<(), String>, RolloutError> {
    if !is_deleted(ledger.hook(index), policy) {
        return Ok(Ok(()));
    }
    let pieces = match pieces(execution, ledger, index).await? {
        Ok(pieces) => pieces,
        Err(text) => return Ok(Err(text)),
    };
    let objects: Vec<(Resource, ObjectKey)> =
        pieces.into_iter().map(|piece| (piece.resource, piece.key)).collect();
    let why = format!("the policy of hook {} is {policy}", ledger.hook(index).name);
    delete(execution, &objects, &why, options.timeout).await
}

/// Helm's order: the hook that failed, then those before it that succeeded. What cannot be deleted stays.
async fn delete_after_failure(
    execution: Execution<'_>,
    ledger: &Ledger<'_>,
    failed: usize,
    earlier: &[usize],
    options: &HookOptions,
) -> Result<(), RolloutError> {
    let of_failed = std::iter::once((failed, HookDeletePolicy::Failed));
    let of_earlier = earlier.iter().map(|index| (*index, HookDeletePolicy::Succeeded));
    for (index, policy) in of_failed.chain(of_earlier) {
        if let Err(text) = delete_by(execution, ledger, index, &policy, options).await? {
            let text = format!("hook {} stays: {text}", ledger.hook(index).name);
            execution.say(Level::Warning, None, text).await;
        }
    }
    Ok(())
}
