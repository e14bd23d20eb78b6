using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using DistillOnnx.Server.Hosting;
using DistillOnnx.Server.Models;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Reflection.V1Alpha;
using Status = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace DistillOnnx.Server.Tests.Services;

public sealed partial class OperatorTests
{
    [Fact]
    public async Task Metrics_AfterCalls_CountRowsTokensAndRejections()
    {
        // A name of its own: meters are the process's, and other tests' servers count too.
        await using var server = await TestServer.StartAsync(
            configure: o => o with { Model = [o.Model[0].Replace("nli=", "metered=", StringComparison.Ordinal)] });
        await server.Client.PredictAsync("metered", ["one two", "three four five"]).WaitAsync(TestServer.Patience);
        await Assert.ThrowsAsync<RpcException>(() => server.Client.PredictAsync("metered", "").WaitAsync(TestServer.Patience));

        var page = await server.Http.GetStringAsync("/metrics");

        Assert.Equal(2, Value(page, "distillonnx_rows_total", "outcome=\"answered\""));
        Assert.Equal(7, Value(page, "distillonnx_tokens_total", "kind=\"text\""));
        Assert.Equal(1, Value(page, "distillonnx_rejections_total", "reason=\"invalid_argument\""));
        Assert.Equal(0, Value(page, "distillonnx_queue_rows", "model="));
        Assert.Equal(1, Value(page, "distillonnx_stage_duration_seconds_count", "stage=\"queue\""));
        Assert.Equal(1, Value(page, "distillonnx_model_ready", "version=\"1\""));
    }

    [Fact]
    public async Task Dashboard_EveryMetricItNames_IsExported()
    {
        await using var server = await TestServer.StartAsync();
        await server.Client.PredictAsync("nli", ["one two", "three four five"]).WaitAsync(TestServer.Patience);
        await Assert.ThrowsAsync<RpcException>(() => server.Client.PredictAsync("nli", "").WaitAsync(TestServer.Patience));
        var dashboard = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "src/DistillOnnx.Server/deploy/grafana-dashboard.json"));
        var page = await server.Http.GetStringAsync("/metrics");

        var named = MetricName().Matches(dashboard).Select(m => m.Value).Distinct().ToList();

        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.Contains("\n" + name, "\n" + page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task OtlpEndpoint_Named_GetsMetricsAndTheStagesOfACallButNoText()
    {
        await using var collector = await Collector.StartAsync();
        await using (var server = await TestServer.StartAsync(configure: o => o with { OtlpEndpoint = collector.Address }))
            await server.Client.PredictAsync("nli", "a text that is nobody's business").WaitAsync(TestServer.Patience);

        // What is not sent yet goes out when the server stops.
        var (traces, metrics) = (collector.Received("TraceService"), collector.Received("MetricsService"));
        Assert.All(
            (string[])["distillonnx", "tokenize", "queue", "inference", "distillonnx.model"],
            name => Assert.Contains(name, traces, StringComparison.Ordinal));
        Assert.All(
            (string[])["distillonnx.stage.duration", "distillonnx.batch.rows", "distillonnx.tokens"],
            name => Assert.Contains(name, metrics, StringComparison.Ordinal));
        Assert.DoesNotContain("business", traces + metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AdminAddress_Asked_HoldsReflectionAndMetricsAlone()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { AdminUrls = ["http://127.0.0.1:0"] });
        var admin = server.Host.AdminAddresses[0];
        using var adminHttp = new HttpClient { BaseAddress = new Uri(admin) };
        using var adminChannel = GrpcChannel.ForAddress(admin);

        Assert.Equal(HttpStatusCode.NotFound, (await server.Http.GetAsync("/metrics")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await adminHttp.GetAsync("/metrics")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await adminHttp.GetAsync("/v1/models")).StatusCode);
        Assert.Equal(StatusCode.Unimplemented, await ReflectAsync(server.Channel));
        Assert.Equal(StatusCode.OK, await ReflectAsync(adminChannel));
        Assert.Equal(
            Status.Serving, (await new Health.HealthClient(adminChannel).CheckAsync(new HealthCheckRequest(), deadline: Soon())).Status);
        Assert.Equal(
            Status.Serving, (await new Health.HealthClient(server.Channel).CheckAsync(new HealthCheckRequest(), deadline: Soon())).Status);
    }

    [Fact]
    public async Task StopAsync_WithARunningCallAndAWatcher_AnswersTheCallAndTellsTheWatcher()
    {
        using var gate = new Gate();
        await using var server = await TestServer.StartAsync();
        server.Predictor.OnBatch = gate.Hold();
        using var watch = new Health.HealthClient(server.Channel).Watch(new HealthCheckRequest { Service = "nli" }, deadline: Soon());
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(Status.Serving, watch.ResponseStream.Current.Status);
        var call = server.Client.PredictAsync("nli", "one");
        await gate.Entered;

        var stopped = server.Host.StopAsync();
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(TestServer.Patience));
        Assert.Equal(Status.NotServing, watch.ResponseStream.Current.Status);
        gate.Open();

        Assert.Equal(server.Predictor.Answer("one").Label, (await call.WaitAsync(TestServer.Patience)).Label);
        await stopped.WaitAsync(TestServer.Patience);
        Assert.True(server.Predictor.Disposed);
    }

    [Fact]
    public async Task DisposeAsync_NeverStopped_FreesThePort()
    {
        using var bundle = new TemporaryDirectory();
        var options = new ServerOptions { Model = ["nli=" + bundle.Path], Urls = ["http://127.0.0.1:0"] };
        var host = await ServerHost.StartAsync(
            options, new FakeLoader(_ => new LoadedModel(new FakePredictor(), "1")), CancellationToken.None).WaitAsync(TestServer.Patience);
        var port = new Uri(host.Addresses[0]).Port;

        await host.DisposeAsync().AsTask().WaitAsync(TestServer.Patience);

        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Assert.Throws<SocketException>(() => socket.Connect(IPAddress.Loopback, port));
    }

    [Fact]
    public async Task StopAsync_CallThatNeverEnds_StopsWithinTheBound()
    {
        await using var server = await TestServer.StartAsync(
            new FakePredictor { PerToken = TimeSpan.FromMinutes(10) }, o => o with { DrainSeconds = 0.2 });
        var call = server.Client.PredictAsync("nli", "one");
        await Wait.UntilAsync(() => server.Predictor.Batches > 0);

        await server.Host.StopAsync().WaitAsync(TestServer.Patience);

        await Assert.ThrowsAsync<RpcException>(() => call.WaitAsync(TestServer.Patience));
    }

    private static async Task<StatusCode> ReflectAsync(GrpcChannel channel)
    {
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo(deadline: Soon());
        try
        {
            await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        }
        catch (RpcException)
        {
            // The server may answer before it has the request. What it says is on the other stream.
        }

        try
        {
            await call.ResponseStream.MoveNext(CancellationToken.None);
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }

    private static double Value(string page, string name, string label)
    {
        var line = page.Split('\n').Single(
            l =>
                l.StartsWith(name + "{", StringComparison.Ordinal)
                    && l.Contains("model=\"metered\"", StringComparison.Ordinal)
                    && l.Contains(label, StringComparison.Ordinal));
        return double.Parse(line.Split("} ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static DateTime Soon() => DateTime.UtcNow + TestServer.Patience;

    [GeneratedRegex(@"\b(distillonnx|http_server|process|dotnet)_[a-z_]+")]
    private static partial Regex MetricName();
}
