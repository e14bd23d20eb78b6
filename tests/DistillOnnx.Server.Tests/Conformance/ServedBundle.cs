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

    private readonly TemporaryDirectory _root;
    private readonly BundlePredictor _predictor;
    private readonly ServerHost _host;

    private ServedBundle(TemporaryDirectory root, BundlePredictor predictor, ServerHost host)
    {
        _root = root;
        _predictor = predictor;
        _host = host;
        var address = host.Addresses[0];
        Channel = GrpcChannel.ForAddress(address);
        Web = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = new GrpcWebHandler(GrpcWebMode.GrpcWebText, new HttpClientHandler()),
            HttpVersion = System.Net.HttpVersion.Version11,
        });
        Http = new HttpClient { BaseAddress = new Uri(address), Timeout = TestServer.Patience };
    }

    public GrpcChannel Channel { get; }

    public GrpcChannel Web { get; }

    public HttpClient Http { get; }

    /// <summary>Exports a student whose threshold lies between its answers to some rows, and serves it.</summary>
    public static async Task<ServedBundle> StartAsync(TaskSpec task, IReadOnlyList<Row> rows)
    {
        var root = new TemporaryDirectory();
        RandomCheckpoint.Write(root["checkpoint"], RandomCheckpoint.Uneven, task, seed: 5, TinyTokenizer.SpieceModel);
        BundleExporter.Export(new BundleExportOptions { Model = root["checkpoint"], Out = root["bundle"], Graphs = GraphSet.Label }, Reporter.None);
        var options = new RuntimeOptions { Device = "cpu", Threads = 1 };
        using (var first = BundlePredictor.Open(root["bundle"], options))
        {
            var sure = Predict(first, rows).Select(p => p.Probability!.Value).Order().ToList();
            var manifest = BundleManifest.Load(root["bundle"]) with { AbstainBelow = (sure[0] + sure[^1]) / 2 };
            manifest.Save(root["bundle"]);
        }

        var server = new ServerOptions
        {
            Model = [$"{Name}={root["bundle"]}"],
            Urls = ["http://127.0.0.1:0"],
            Device = "cpu",
            Threads = 1,
            LogLevel = Microsoft.Extensions.Logging.LogLevel.Critical,
        };
        var host = await ServerHost.StartAsync(server, null, CancellationToken.None).WaitAsync(TestServer.Patience);
        return new ServedBundle(root, BundlePredictor.Open(root["bundle"], options), host);
    }

    /// <summary>What the bundle answers in process.</summary>
    public Task<WholeAnswer[]> InProcess(IReadOnlyList<Row> rows) => Task.FromResult(Predict(_predictor, rows)
        .Select(p => new WholeAnswer(
            p.Label, (float)p.Probability!, [.. p.Probabilities!.Select(v => (float)v)], p.Abstained, p.Truncated, _predictor.Bundle.Manifest.Version))
        .ToArray());

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        Web.Dispose();
        Http.Dispose();
        await _host.StopAsync().WaitAsync(TestServer.Patience);
        await _host.DisposeAsync();
        _predictor.Dispose();
        _root.Dispose();
    }

    private static IReadOnlyList<LabelPrediction> Predict(BundlePredictor predictor, IReadOnlyList<Row> rows) =>
        predictor.Predict([.. rows.Select(r => new PredictorInput(r.Text, r.Choices.Length == 0 ? null : r.Choices))]);
}
