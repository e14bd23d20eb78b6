using DistillOnnx.Runtime.Sessions;
using DistillOnnx.Server.Configuration;
using DistillOnnx.Stages.Options;

namespace DistillOnnx.Server;

/// <summary>What the prediction server serves, where, and within which limits.</summary>
public sealed record ServerOptions : IStageOptions
{
    /// <summary>Bundles to serve.</summary>
    [Option("a bundle directory to serve, by the name of its task or by one given; may be repeated", Value = "[NAME=]BUNDLE")]
    public IReadOnlyList<string> Model { get; init; } = [];

    /// <summary>A folder whose bundles are served, and watched.</summary>
    [Option(
        "a folder of bundles, DIR/NAME or DIR/NAME/VERSION: what is dropped there is checked, loaded and "
        + "switched to while the server runs", Value = "DIR")]
    public string? ModelFolder { get; init; }

    /// <summary>How often the model folder is looked at.</summary>
    [Option("seconds between two looks at the model folder; 0: look once, at the start")]
    public double PollSeconds { get; init; } = 2;

    /// <summary>Versions of a model that stay loaded.</summary>
    [Option("how many versions of a model in the folder are loaded at a time, the newest first")]
    public int KeepVersions { get; init; } = 1;

    /// <summary>Addresses.</summary>
    [Option("addresses to listen on, for gRPC and JSON alike; port 0 takes a free one, * all interfaces", Value = "URL")]
    public IReadOnlyList<string> Urls { get; init; } = ["http://127.0.0.1:5080"];

    /// <summary>Addresses for reflection and metrics.</summary>
    [Option("addresses for reflection, metrics and health alone; left out: they are on the main addresses", Value = "URL")]
    public IReadOnlyList<string> AdminUrls { get; init; } = [];

    /// <summary>How models are run: device, precision and threads.</summary>
    [OptionGroup]
    public InferenceOptions Inference { get; init; } = new();

    /// <summary>Whether threads spin within a run.</summary>
    [Option("whether threads spin while they wait within a run: faster, unless another busy program shares the cores")]
    public bool Spin { get; init; } = true;

    /// <summary>Batches that run at the same time.</summary>
    [Option(
        "most batches of a model that run at the same time, over one copy of its weights, where more wait "
        + "than one can take; 0: on a processor one for each thread, at most 8")]
    public int Lanes { get; init; }

    /// <summary>Whether weights stay as they lie in the file.</summary>
    [Option("whether weights stay as they lie in the file: less memory, some speed lost")]
    public bool LowMemory { get; init; }

    /// <summary>Most bytes that the GPU arena may take.</summary>
    [Option("most bytes of GPU memory that a model may take; 0: no limit", Value = "BYTES")]
    public long CudaMemoryLimit { get; init; }

    /// <summary>How the GPU arena grows.</summary>
    [Option("how the GPU arena grows: next-power-of-two or same-as-requested", Value = "STRATEGY")]
    public CudaArenaStrategy CudaArena { get; init; } = CudaArenaStrategy.SameAsRequested;

    /// <summary>Most rows that may wait.</summary>
    [Option("most rows that may wait for a model; what comes beyond is refused at once")]
    public int QueueRows { get; init; } = 1024;

    /// <summary>Most rows of a batch.</summary>
    [Option("most rows of a batch; 0: 32 on a processor, 256 on a GPU")]
    public int BatchRows { get; init; }

    /// <summary>Most tokens of a batch.</summary>
    [Option("most tokens of a batch, padding counted; 0: 512 on a processor, which gains nothing from more, and 16384 on a GPU")]
    public int BatchTokens { get; init; }

    /// <summary>How long a batch that is not full waits.</summary>
    [Option("milliseconds that a batch that is not full waits for more rows; 0: a batch is what gathered while the last one ran")]
    public double BatchWaitMs { get; init; }

    /// <summary>Most inputs of a request.</summary>
    [Option("most inputs of one request; 0: 256, or as many as may wait where these are fewer")]
    public int RequestRows { get; init; }

    /// <summary>Most tokens of an input's text, and of its choices together.</summary>
    [Option("most tokens of an input of a model that does not cut its inputs shorter, and of an input's choices together")]
    public int RequestTokens { get; init; } = 2048;

    /// <summary>Longest text, and longest choices together.</summary>
    [Option("longest text of an input, in characters, and so for its choices together")]
    public int RequestCharacters { get; init; } = 1_000_000;

    /// <summary>Longest rationale.</summary>
    [Option("most tokens of a rationale, where a call asks for one; a longer one is cut")]
    public int RationaleTokens { get; init; } = 128;

    /// <summary>Most inputs that may wait for a rationale.</summary>
    [Option(
        "most inputs that may wait for a rationale of a model, which writes one at a time, those of one caller at most three "
        + "quarters of it; what comes beyond is refused at once")]
    public int RationaleRows { get; init; } = 64;

    /// <summary>Which inputs are kept for the next round of training.</summary>
    [OptionGroup]
    public CollectOptions Collecting { get; init; } = new();

    /// <summary>Who answers what a model abstains from.</summary>
    [OptionGroup]
    public FallbackOptions Teacher { get; init; } = new();

    /// <summary>Largest message.</summary>
    [Option("largest message in bytes")]
    public int MessageBytes { get; init; } = 4 << 20;

    /// <summary>Most connections at a time.</summary>
    [Option("most connections at a time; 0: no limit but that of open files (ulimit -n), which lowers this one too")]
    public int Connections { get; init; } = 10_000;

    /// <summary>How long a stopping server goes on to answer.</summary>
    [Option("seconds within which a server that is told to stop answers what is in")]
    public double DrainSeconds { get; init; } = 20;

    /// <summary>How long a stopping server still takes calls.</summary>
    [Option(
        "seconds for which a server that is told to stop says that it is not ready, but still takes calls: "
        + "time for balancers to notice")]
    public double DrainDelaySeconds { get; init; }

    /// <summary>The server's certificate.</summary>
    [Option("the server's certificate for https addresses: a PEM file with its chain, or a PFX", Value = "FILE")]
    public string? TlsCertificate { get; init; }

    /// <summary>The certificate's key.</summary>
    [Option("the certificate's private key as PEM; left out: in the certificate's file", Value = "FILE")]
    public string? TlsKey { get; init; }

    /// <summary>The key's password.</summary>
    [Option("the password of the private key or PFX", Secret = true)]
    public string? TlsPassword { get; init; }

    /// <summary>Who may sign client certificates.</summary>
    [Option("certificate authorities (PEM); clients must show a certificate that one of them signed", Value = "FILE")]
    public string? TlsClientCa { get; init; }

    /// <summary>Keys that callers may show.</summary>
    [Option(
        "API keys, each NAME=KEY, of which a caller must show one as x-api-key; one a line, or separated by "
        + "semicolons or commas; a key has at least 16 characters, and each name stands once", Secret = true)]
    public IReadOnlyList<string> ApiKeys { get; init; } = [];

    /// <summary>Who issues bearer tokens.</summary>
    [Option("issuer of the JWT bearer tokens that callers must show; its keys are fetched from its discovery document", Value = "URL")]
    public string? JwtAuthority { get; init; }

    /// <summary>Whom bearer tokens are for.</summary>
    [Option("audience that a JWT bearer token must name", Value = "NAME")]
    public string? JwtAudience { get; init; }

    /// <summary>A key that signs bearer tokens.</summary>
    [Option("public key (PEM) that JWT bearer tokens must be signed with, instead of an issuer's published keys", Value = "FILE")]
    public string? JwtKey { get; init; }

    /// <summary>Web pages that may call.</summary>
    [Option(
        "origins of web pages whose scripts may call this server from a browser (CORS), for instance https://app.example.org; "
        + "left out: pages of this server alone", Value = "ORIGIN")]
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary>Whether the playground page is served.</summary>
    [Option("serve a page at / where a person types a text and sees the labels' probabilities")]
    public bool Playground { get; init; }

    /// <summary>Where telemetry is pushed.</summary>
    [Option("OTLP endpoint that metrics and traces are pushed to; left out: metrics are served at /metrics alone", Value = "URL")]
    public string? OtlpEndpoint { get; init; }

    /// <summary>From which severity on the server logs.</summary>
    [Option(
        "from which severity on the server logs: trace (which carries users' texts), debug, information, "
        + "warning or error", Value = "LEVEL")]
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>Whether logs are JSON.</summary>
    [Option("write logs as one JSON object a line")]
    public bool LogJson { get; init; }

    /// <summary>Most inputs of a request, which cannot be more than may wait.</summary>
    internal int MostRequestRows => RequestRows > 0 ? RequestRows : Math.Min(256, QueueRows);

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate() => ServerOptionsCheck.Faults(this);
}
