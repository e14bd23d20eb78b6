using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Export;
using DistillOnnx.Runtime;
using DistillOnnx.Server.Hosting;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using Grpc.Net.Client;
using Grpc.Net.Client.Web;

namespace DistillOnnx.Server.Tests.Conformance;

/// <summary>One bundle, served and opened in process, and a client of every kind.</summary>
internal sealed class ServedBundle : IAsyncDisposable
{
    /// <summary>The model's name.</summary>
    public const string Name = "student";

    private static readonly ExplainSettings Rationales = new() { MaxTokens = 12 };

    private static readonly RuntimeOptions Runtime = new() { Device = "cpu", Threads = 1 };

    private readonly TemporaryDirectory? _root;
    private readonly BundlePredictor _predictor;
    private readonly ServerHost _host;

    private ServedBundle(TemporaryDirectory? root, BundlePredictor predictor, ServerHost host, bool explain)
    {
        Explain = explain;
        _root = root;
        _predictor = predictor;
        _host = host;
        Address = host.Addresses[0];
        Channel = GrpcChannel.ForAddress(Address);
        Web = GrpcChannel.ForAddress(Address, new GrpcChannelOptions
        {
            HttpHandler = new GrpcWebHandler(GrpcWebMode.GrpcWebText, new HttpClientHandler()),
            HttpVersion = System.Net.HttpVersion.Version11,
        });
        Http = new HttpClient { BaseAddress = new Uri(Address), Timeout = TestServer.Patience };
    }

    /// <summary>Whether rationales are asked for.</summary>
    public bool Explain { get; }

    public string Address { get; }

    public GrpcChannel Channel { get; }

    public GrpcChannel Web { get; }

    public HttpClient Http { get; }

    /// <summary>Exports a student whose threshold lies between its answers to some rows, and serves it.</summary>
    public static async Task<ServedBundle> StartAsync(
        TaskSpec task, IReadOnlyList<Row> rows, bool explain = false, Func<ServerOptions, ServerOptions>? configure = null)
    {
        var root = new TemporaryDirectory();
        RandomCheckpoint.Write(root["checkpoint"], RandomCheckpoint.Uneven, task, seed: 5, TinyTokenizer.SpieceModel);
        var graphs = explain ? GraphSet.All : GraphSet.Label;
        BundleExporter.Export(new BundleExportOptions { Model = root["checkpoint"], Out = root["bundle"], Graphs = graphs }, Reporter.None);
        using (var first = BundlePredictor.Open(root["bundle"], Runtime))
        {
            var sure = Predict(first, rows).Select(p => p.Probability!.Value).Order().ToList();
            var manifest = BundleManifest.Load(root["bundle"]) with { AbstainBelow = (sure[0] + sure[^1]) / 2 };
            manifest.Save(root["bundle"]);
        }

        return await StartAsync(root["bundle"], explain, root, configure);
    }

    /// <summary>Serves a bundle.</summary>
    public static async Task<ServedBundle> StartAsync(
        string bundle, bool explain, TemporaryDirectory? root = null, Func<ServerOptions, ServerOptions>? configure = null)
    {
        var server = new ServerOptions
        {
            Model = [$"{Name}={bundle}"],
            Urls = ["http://127.0.0.1:0"],
            Inference = new() { Device = "cpu", Threads = 1 },
            RationaleTokens = Rationales.MaxTokens,
            LogLevel = Microsoft.Extensions.Logging.LogLevel.Critical,
        };
        server = configure?.Invoke(server) ?? server;
        var host = await ServerHost.StartAsync(server, null, CancellationToken.None).WaitAsync(TestServer.Patience);
        return new ServedBundle(root, BundlePredictor.Open(bundle, Runtime), host, explain);
    }

    /// <summary>What the bundle answers in process.</summary>
    public Task<WholeAnswer[]> InProcess(IReadOnlyList<Row> rows)
    {
        var answers = Predict(_predictor, rows);
        var rationales = Explain ? _predictor.Explain([.. rows.Select(r => new PredictorInput(r.Text))], Rationales) : null;
        return Task.FromResult(answers.Select((p, i) => new WholeAnswer(
            p.Label,
            (float)p.Probability!,
            [.. p.Probabilities!.Select(v => (float)v)],
            p.Abstained,
            p.Truncated,
            _predictor.Bundle.Manifest.Version,
            rationales?[i].Text)).ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        Web.Dispose();
        Http.Dispose();
        await _host.StopAsync().WaitAsync(TestServer.Patience);
        await _host.DisposeAsync();
        _predictor.Dispose();
        _root?.Dispose();
    }

    private static IReadOnlyList<LabelPrediction> Predict(BundlePredictor predictor, IReadOnlyList<Row> rows) =>
        predictor.Predict([.. rows.Select(r => new PredictorInput(r.Text, r.Choices.Length == 0 ? null : r.Choices))]);
}
