//! The real `kubectl` against a simulated cluster.

mod support;

use support::{Tools, cluster};

const WEB: &str = r"
apiVersion: v1
kind: ConfigMap
metadata: {name: web, labels: {app: web}}
data: {greeting: hello}
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.org/web:1.0
        ports: [{name: http, containerPort: 8080}]
        env: [{name: GREETING, value: hello}]
";

/// Applying on the client side creates, leaves alone what is equal, and patches what changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apply_on_the_client_side() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    let file = tools.file("web.yaml", WEB);
    insta::assert_snapshot!(tools.kubectl(&["apply", "-f", &file]).await, @r"
    configmap/web created
    service/web created
    deployment.apps/web created
    ");
    insta::assert_snapshot!(tools.kubectl(&["apply", "-f", &file]).await, @r"
    configmap/web unchanged
    service/web unchanged
    deployment.apps/web unchanged
    ");
    let changed =
        tools.file("changed.yaml", &WEB.replace("web:1.0", "web:2.0").replace("80,", "8000,"));
    insta::assert_snapshot!(tools.kubectl(&["apply", "-f", &changed]).await, @r"
    configmap/web unchanged
    service/web configured
    deployment.apps/web configured
    ");
    let shown = tools
        .kubectl(&["get", "deploy,svc", "-l", "app=web", "-o", "jsonpath={range .items[*]}{.kind} {.spec.template.spec.containers[*].image}{.spec.ports[*].port}{'\\n'}{end}"])
        .await;
    insta::assert_snapshot!(shown, @r"
    Deployment example.org/web:2.0
    Service 8000
    ");
    insta::assert_snapshot!(tools.kubectl(&["delete", "-f", &file]).await, @r#"
    configmap "web" deleted from default namespace
    service "web" deleted from default namespace
    deployment.apps "web" deleted from default namespace
    "#);
}

/// Applying on the server side names the fields that somebody else owns, and can take them over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apply_on_the_server_side() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    let file = tools.file("web.yaml", WEB);
    insta::assert_snapshot!(tools.kubectl(&["apply", "--server-side", "-f", &file]).await, @r"
    configmap/web serverside-applied
    service/web serverside-applied
    deployment.apps/web serverside-applied
    ");
    tools.kubectl(&["set", "image", "deploy/web", "web=example.org/web:1.1"]).await;
    let refused = tools.kubectl(&["apply", "--server-side", "-f", &file]).await;
    insta::assert_snapshot!(refused, @r#"
    configmap/web serverside-applied
    service/web serverside-applied
    error: Apply failed with 1 conflict: conflict with "kubectl-set" using apps/v1: .spec.template.spec.containers[name="web"].image
    Please review the fields above--they currently have other managers. Here
    are the ways you can resolve this warning:
    * If you intend to manage all of these fields, please re-run the apply
      command with the `--force-conflicts` flag.
    * If you do not intend to manage all of the fields, please edit your
      manifest to remove references to the fields that should keep their
      current managers.
    * You may co-own fields by updating your manifest to match the existing
      value; in this case, you'll become the manager if the other manager(s)
      stop managing the field (remove it from their configuration).
    See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
    "#);
    let forced = tools.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &file]).await;
    assert!(forced.ends_with("deployment.apps/web serverside-applied\n"), "{forced}");
}

/// What `get` prints, for people and wide.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn get_prints_tables() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    let file = tools.file("web.yaml", WEB);
    tools.kubectl(&["apply", "-f", &file]).await;
    tools.kubectl(&["rollout", "status", "deploy/web"]).await;
    let shown = tools.kubectl(&["get", "deploy,svc,cm", "-l", "app=web", "-o", "wide"]).await;
    insta::assert_snapshot!(without_ages(&shown), @r"
    NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR
    deployment.apps/web 2/2 2 2 AGE web example.org/web:1.0 app=web

    NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR
    service/web ClusterIP 10.96.0.11 <none> 80/TCP AGE app=web

    NAME DATA AGE
    configmap/web 1 AGE
    ");
    let shown = tools.kubectl(&["get", "ns,no,sc,pods", "--no-headers"]).await;
    let shown = without_ages(&shown);
    let pods = shown.lines().filter(|line| line.starts_with("pod/"));
    assert!(pods.clone().all(|line| line.ends_with(" 1/1 Running 0 AGE")), "{shown}");
    assert_eq!(pods.count(), 2);
    let others: Vec<&str> =
        shown.lines().filter(|line| !line.is_empty() && !line.starts_with("pod/")).collect();
    insta::assert_snapshot!(others.join("\n"), @r"
    namespace/default Active AGE
    namespace/kube-node-lease Active AGE
    namespace/kube-public Active AGE
    namespace/kube-system Active AGE
    node/simulated-node-1 Ready control-plane AGE v1.37.1
    storageclass.storage.k8s.io/standard (default) simulator.landfall.dev/volumes Delete Immediate false AGE
    ");
}

/// Commands of typed clients, which send protobuf.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imperative_commands() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    let commands = [
        "create ns shop",
        "create deployment web --image=example.org/web:1 --replicas=1",
        "create secret generic db --from-literal=password=secret",
        "create configmap site --from-literal=a=1",
        "create ingress web --rule=shop.example.org/*=web:80",
        "create serviceaccount robot",
        "create clusterrolebinding robot --clusterrole=view --serviceaccount=default:robot",
        "create job once --image=example.org/job:1",
        "create pdb web --selector=app=web --min-available=1",
        "expose deployment web --port=80",
        "scale deployment web --replicas=3",
        "label deployment web tier=front",
        "annotate service web note=yes",
        "patch deployment web --type=merge -p {\"spec\":{\"paused\":true}}",
        "patch deployment web --type=json -p [{\"op\":\"replace\",\"path\":\"/spec/paused\",\"value\":false}]",
        "patch deployment web -p {\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"web\",\"tty\":true}]}}}}",
        "autoscale deployment web --min=1 --max=3 --cpu=80%",
        "auth can-i create pods",
        "delete secret db",
        "delete ns shop",
    ];
    let mut shown = String::new();
    for command in commands {
        let arguments: Vec<&str> = command.split(' ').collect();
        shown.push_str(&tools.kubectl(&arguments).await);
    }
    insta::assert_snapshot!(shown, @r#"
    namespace/shop created
    deployment.apps/web created
    secret/db created
    configmap/site created
    ingress.networking.k8s.io/web created
    serviceaccount/robot created
    clusterrolebinding.rbac.authorization.k8s.io/robot created
    job.batch/once created
    poddisruptionbudget.policy/web created
    service/web exposed
    deployment.apps/web scaled
    deployment.apps/web labeled
    service/web annotated
    deployment.apps/web patched
    deployment.apps/web patched
    deployment.apps/web patched
    horizontalpodautoscaler.autoscaling/web autoscaled
    yes
    secret "db" deleted from default namespace
    namespace "shop" deleted
    "#);
    let spec = tools
        .kubectl(&["get", "deploy", "web", "-o", "jsonpath={.spec.replicas} {.spec.paused} {.spec.template.spec.containers[0].tty} {.metadata.labels.tier}"])
        .await;
    assert_eq!(spec, "3 false true front");
}

/// Refusals in the words of a real API server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    let bad = [
        ("unknown field", WEB.replace("replicas: 2", "replica: 2")),
        ("wrong type", WEB.replace("replicas: 2", "replicas: two")),
        (
            "selector and labels differ",
            WEB.replace("matchLabels: {app: web}", "matchLabels: {app: api}"),
        ),
        ("name", WEB.replace("name: web, labels", "name: Web, labels")),
        ("no image", WEB.replace("image: example.org/web:1.0", "command: [run]")),
    ];
    let mut shown = String::new();
    for (what, text) in bad {
        let file = tools.file("bad.yaml", &text);
        let reply = tools.kubectl(&["apply", "-f", &file]).await;
        shown = format!("{shown}--- {what}\n{reply}");
        tools.kubectl(&["delete", "--ignore-not-found", "-f", &file]).await;
    }
    for command in [
        "get --raw /api/v1/pods?resourceVersion=999999&resourceVersionMatch=NotOlderThan",
        "get pod missing",
        "get things",
        "create ns default",
        "-n nowhere create cm a",
        "logs missing",
    ] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let reply = tools.kubectl(&arguments).await;
        // How far the cluster is depends on what its controllers have done by now.
        let reply = match reply.split_once(", current: ") {
            Some((before, _)) => format!("{before}, current: NUMBER\n"),
            None => reply,
        };
        shown = format!("{shown}--- {command}\n{reply}");
    }
    insta::assert_snapshot!(shown);
}

/// The log of a pod is followed to its end, and `wait` sees conditions and deletions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_and_waiting() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.kubectl(&["create", "job", "once", "--image=example.org/job:1"]).await;
    let waited =
        tools.kubectl(&["wait", "--for=condition=complete", "job/once", "--timeout=20s"]).await;
    insta::assert_snapshot!(waited, @"job.batch/once condition met");
    let log = tools.kubectl(&["logs", "-f", "job/once"]).await;
    assert!(!log.is_empty() && !log.contains("error"), "{log}");

    tools.kubectl(&["create", "deployment", "web", "--image=example.org/web:1"]).await;
    let waited =
        tools.kubectl(&["wait", "--for=condition=Available", "deploy/web", "--timeout=20s"]).await;
    insta::assert_snapshot!(waited, @"deployment.apps/web condition met");
    let log = tools.kubectl(&["logs", "deploy/web", "--tail=1", "--timestamps"]).await;
    assert!(log.starts_with("20") && log.lines().count() == 1, "{log}");
    tools.kubectl(&["delete", "deployment", "web", "--cascade=foreground"]).await;
    let left = tools.kubectl(&["get", "deploy,rs,pods", "-l", "app=web"]).await;
    insta::assert_snapshot!(left, @"No resources found in default namespace.");
}

/// Orphaned dependents stay and lose the reference to their owner.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orphans_stay() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.kubectl(&["create", "deployment", "web", "--image=example.org/web:1"]).await;
    tools.kubectl(&["wait", "--for=condition=Available", "deploy/web", "--timeout=20s"]).await;
    tools.kubectl(&["delete", "deployment", "web", "--cascade=orphan"]).await;
    let owners = tools
        .kubectl(&[
            "get",
            "rs",
            "-l",
            "app=web",
            "-o",
            "jsonpath={.items[*].kind}{.items[*].metadata.ownerReferences}",
        ])
        .await;
    assert_eq!(owners, "ReplicaSet");
}

/// `diff` is a dry run on the server; `describe` finds the events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn diff_and_describe() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    let file = tools.file("web.yaml", WEB);
    tools.kubectl(&["apply", "-f", &file]).await;
    tools.kubectl(&["rollout", "status", "deploy/web"]).await;
    let changed = tools.file("changed.yaml", &WEB.replace("greeting: hello", "greeting: bye"));
    let diff = tools.kubectl(&["diff", "-f", &changed]).await;
    let lines: Vec<&str> = diff
        .lines()
        .filter(|line| line.starts_with(['-', '+']) && line.contains("greeting"))
        .collect();
    assert!(lines.contains(&"-  greeting: hello") && lines.contains(&"+  greeting: bye"), "{diff}");
    let unchanged = tools.kubectl(&["get", "cm", "web", "-o", "jsonpath={.data.greeting}"]).await;
    assert_eq!(unchanged, "hello");
    let described = tools.kubectl(&["describe", "deploy", "web"]).await;
    assert!(described.contains("ScalingReplicaSet"), "{described}");
}

/// `edit` sends what the editor left: nothing, a change, or what is refused and shown again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edit() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.kubectl(&["create", "deployment", "web", "--image=example.org/web:1"]).await;
    let unchanged = tools.kubectl_editing("true", &["edit", "deploy", "web"]).await;
    insta::assert_snapshot!(unchanged, @"Edit cancelled, no changes made.");
    let change = "sed -i 's/replicas: 1/replicas: 3/' \"$1\"";
    let edited = tools.kubectl_editing(change, &["edit", "deploy", "web"]).await;
    insta::assert_snapshot!(edited, @"deployment.apps/web edited");
    let mistake = "sed -i 's/replicas: 3/replicas: -3/' \"$1\"";
    let refused = tools.kubectl_editing(mistake, &["edit", "deploy", "web"]).await;
    assert!(refused.starts_with("error: deployments.apps \"web\" is invalid\n"), "{refused}");
    let replicas =
        tools.kubectl(&["get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"]).await;
    assert_eq!(replicas, "3");
}

/// `explain` tells the type and the purpose of fields of built-in kinds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    let mut shown = String::new();
    for path in [
        "deployment.spec",
        "pod.spec.containers.ports.protocol",
        "cronjob.spec.concurrencyPolicy",
        "deployment.spec.nothing",
    ] {
        shown = format!("{shown}--- {path}\n{}", tools.kubectl(&["explain", path]).await);
    }
    insta::assert_snapshot!(shown);
    let all = tools.kubectl(&["explain", "ingress", "--recursive"]).await;
    assert!(all.contains("pathType\t<string> -required-"), "{all}");
}

/// `scale` sets replicas within its conditions, by whatever way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scale() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.kubectl(&["create", "deployment", "web", "--image=example.org/web:1"]).await;
    let mut shown = String::new();
    for command in [
        "scale deploy web --replicas=3",
        "scale deploy web --replicas=-3",
        "scale deploy/web --current-replicas=9 --replicas=2",
        "rollout status deploy/web",
        "patch deploy web --subresource=scale --type=merge -p {\"spec\":{\"replicas\":2}}",
        "get deploy web -o jsonpath={.spec.replicas}",
        "scale --replicas=0 deploy --all",
        "wait deploy/web --for=jsonpath={.spec.replicas}=0",
    ] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let reply = tools.kubectl(&arguments).await;
        let last = reply.trim_end().lines().last().unwrap_or_default();
        shown = format!("{shown}{last}\n");
    }
    insta::assert_snapshot!(shown, @r#"
    deployment.apps/web scaled
    error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0
    error: Expected replicas to be 9, was 3
    deployment "web" successfully rolled out
    scale.autoscaling/web patched
    2
    deployment.apps/web scaled
    deployment.apps/web condition met
    "#);
}

/// Patches that do not fit are refused as a real API server refuses them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_patches() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.kubectl(&["create", "configmap", "site", "--from-literal=a=1"]).await;
    let cases = [
        ("json", r#"[{"op":"test","path":"/data/a","value":"2"}]"#),
        ("json", r#"[{"op":"remove","path":"/data/b"}]"#),
        ("merge", r#"{"data":{"a":1}}"#),
        ("merge", r#""text""#),
        ("strategic", r#"{"nothing":1}"#),
    ];
    let mut shown = String::new();
    for (kind, patch) in cases {
        let patch = ["patch", "configmap", "site", "--type", kind, "-p", patch];
        let reply = tools.kubectl(&patch).await;
        // The whole object is in one of the messages.
        let (start, end) = (reply.find("\"{"), reply.rfind("}\""));
        let reply = match (start, end) {
            (Some(start), Some(end)) => format!("{}OBJECT{}", &reply[..start], &reply[end + 2..]),
            _ => reply,
        };
        shown.push_str(&reply);
    }
    insta::assert_snapshot!(shown, @r#"
    The request is invalid: the server rejected our request due to an error in our request
    The request is invalid: the server rejected our request due to an error in our request
    The request is invalid: patch: Invalid value: OBJECT: json: cannot unmarshal number into Go struct field ConfigMap.data.a of type string
    Error from server (BadRequest): error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}
    configmap/site patched (no change)
    Warning: unknown field "nothing"
    "#);
}

/// A Job is made of a `CronJob` by hand, and fields select only where Kubernetes lets them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cron_jobs_and_field_selectors() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    let mut shown = String::new();
    for command in [
        "create cronjob nightly --image=example.org/job:1 --schedule=0_3_*_*_*",
        "create cronjob bad --image=example.org/job:1 --schedule=61_*_*_*_*",
        "create job manual --from=cronjob/nightly",
        "wait --for=condition=complete job/manual --timeout=20s",
        "get cronjob nightly --no-headers",
        "get job manual -o jsonpath={.metadata.labels.job-name}_{.metadata.ownerReferences[0].name}",
        "get pods --field-selector status.phase=Succeeded -o jsonpath={.items[*].kind}",
        "get pods --field-selector spec.image=x",
        "get configmaps --field-selector data=x",
    ] {
        let arguments: Vec<String> = command.split(' ').map(|it| it.replace('_', " ")).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        shown = format!("{shown}{}\n", without_ages(tools.kubectl(&arguments).await.trim_end()));
    }
    insta::assert_snapshot!(shown, @r#"
    cronjob.batch/nightly created
    error: failed to create cronjob: CronJob.batch "bad" is invalid: spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61
    job.batch/manual created
    job.batch/manual condition met
    nightly 0 3 * * * <none> False 0 <none> AGE
    manual nightly
    Pod
    Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field selector "spec.image=x": field label not supported: spec.image
    Error from server (BadRequest): Unable to find "/v1, Resource=configmaps" that match label selector "", field selector "data=x": "data" is not a known field selector: only "metadata.name", "metadata.namespace"
    "#);
}

/// Blanks made single and ages made equal.
fn without_ages(text: &str) -> String {
    let is_age = |word: &&str| {
        word.ends_with('s')
            && word.len() > 1
            && word[..word.len() - 1].bytes().all(|b| b.is_ascii_digit())
    };
    let line = |line: &str| {
        let words = line.split_whitespace().map(|word| if is_age(&word) { "AGE" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
