using DistillOnnx.Server.Hosting;
using DistillOnnx.Server.Models;
using DistillOnnx.TestSupport;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;

namespace DistillOnnx.Server.Tests.Fakes;

/// <summary>A real server on a free loopback port, over fakes.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    /// <summary>How long anything may take before a test calls it hung.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryDirectory _bundle;

    private TestServer(ServerHost host, FakePredictor predictor, TemporaryDirectory bundle)
    {
        Host = host;
        Predictor = predictor;
        _bundle = bundle;
        Channel = GrpcChannel.ForAddress(Address);
        Client = new PredictionClient(Address);
        Http = new HttpClient { BaseAddress = new Uri(Address), Timeout = Patience };
    }

    public ServerHost Host { get; }

    public FakePredictor Predictor { get; }

    public ModelVersion Model => Host.Services.GetRequiredService<ModelCatalog>().Find("", "");

    public string Address => Host.Addresses[0];

    public GrpcChannel Channel { get; }

    public PredictionClient Client { get; }

    public HttpClient Http { get; }

    public static async Task<TestServer> StartAsync(FakePredictor? predictor = null, Func<ServerOptions, ServerOptions>? configure = null)
    {
        predictor ??= new FakePredictor();
        predictor.Asleep = true;
        var bundle = new TemporaryDirectory();
        var options = new ServerOptions { Model = ["nli=" + bundle.Path], Urls = ["http://127.0.0.1:0"] };
        options = configure?.Invoke(options) ?? options;
        Assert.Empty(options.Validate());
        var host = await ServerHost.StartAsync(options, new FakeLoader(_ => new LoadedModel(predictor, "1")), CancellationToken.None)
            .WaitAsync(Patience);
        predictor.Asleep = false;
        return new TestServer(host, predictor, bundle);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Channel.Dispose();
        Http.Dispose();
        await Host.StopAsync().WaitAsync(Patience);
        await Host.DisposeAsync();
        _bundle.Dispose();
    }
}
