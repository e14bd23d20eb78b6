using System.Globalization;
using DistillOnnx.Server.Models;
using DistillOnnx.Server.Tests.Fakes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace DistillOnnx.Server.Tests.Services;

/// <summary>Calls that are refused unread: here, because they cannot be read, which whoever reads them says instead.</summary>
public sealed class EarlyRefusalTests
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(static (byte[] b) => b, static b => b);
    private static readonly byte[] Unreadable = [0x0A, 2, 0xFF, 0xFE];

    [Theory]
    [InlineData("distillonnx.v1.PredictionService", "Predict")]
    [InlineData("inference.GRPCInferenceService", "ModelInfer")]
    public async Task UnaryCall_FullQueue_IsRefusedUnreadWithHints(string service, string method)
    {
        using var gate = new Gate();
        await using var server = await TestServer.StartAsync(new FakePredictor(), o => o with { QueueRows = 1, RequestRows = 1 });
        var waiting = await FillAsync(server, gate);

        var refused = await CallAsync(server, service, method);
        gate.Open();
        await waiting.WaitAsync(TestServer.Patience);
        var read = await CallAsync(server, service, method);

        Assert.Equal((StatusCode.ResourceExhausted, "the queue is full"), (refused.StatusCode, refused.Status.Detail));
        var pushback = int.Parse(refused.Trailers.GetValue("grpc-retry-pushback-ms")!, CultureInfo.InvariantCulture);
        Assert.InRange(refused.Detail<RetryInfo>().RetryDelay.ToTimeSpan().TotalMilliseconds, pushback - 1, pushback);
        Assert.Equal(StatusCode.InvalidArgument, read.StatusCode);
    }

    [Fact]
    public async Task UnaryCall_DeadlineShorterThanTheQueue_IsRefusedUnread()
    {
        using var gate = new Gate();
        await using var server = await TestServer.StartAsync();
        var waiting = await FillAsync(server, gate);
        server.Model.Batcher.Observe(1, TimeSpan.FromHours(1));

        var refused = await CallAsync(server, "distillonnx.v1.PredictionService", "Predict");
        gate.Open();
        await waiting.WaitAsync(TestServer.Patience);

        Assert.Equal(
            (StatusCode.ResourceExhausted, "the queue is longer than the call's deadline allows"),
            (refused.StatusCode, refused.Status.Detail));
    }

    [Theory]
    [InlineData("distillonnx.v1.PredictionService", "GetModel")]
    [InlineData("grpc.health.v1.Health", "Check")]
    public async Task UnaryCall_ThatPredictsNothing_IsRead(string service, string method)
    {
        using var gate = new Gate();
        await using var server = await TestServer.StartAsync(new FakePredictor(), o => o with { QueueRows = 1, RequestRows = 1 });
        var waiting = await FillAsync(server, gate);

        var fault = await CallAsync(server, service, method);
        gate.Open();
        await waiting.WaitAsync(TestServer.Patience);

        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
    }

    [Fact]
    public async Task UnaryCall_OneOfTwoModelsFull_IsRead()
    {
        using var gate = new Gate();
        await using var server = await TestServer.StartAsync(new FakePredictor(), o => o with { QueueRows = 1, RequestRows = 1 });
        var waiting = await FillAsync(server, gate);
        using var other = new ModelVersion(
            "other",
            new LoadedModel(new FakePredictor(), "1"),
            new(),
            server.Host.Services.GetRequiredService<Telemetry.ServerMetrics>().ForModel("other"),
            TimeProvider.System);
        server.Host.Services.GetRequiredService<ModelCatalog>().Add(other);

        var fault = await CallAsync(server, "distillonnx.v1.PredictionService", "Predict");
        gate.Open();
        await waiting.WaitAsync(TestServer.Patience);

        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
    }

    /// <summary>A batch that is held, and one row that waits.</summary>
    private static async Task<Task> FillAsync(TestServer server, Gate gate)
    {
        server.Predictor.OnBatch = gate.Hold();
        var running = server.Client.PredictAsync("nli", "one");
        await gate.Entered;
        var waiting = server.Client.PredictAsync("nli", "two");
        await Wait.UntilAsync(() => server.Model.Batcher.QueuedRows > 0);
        return Task.WhenAll(running, waiting);
    }

    private static Task<RpcException> CallAsync(TestServer server, string service, string method) =>
        Assert.ThrowsAsync<RpcException>(async () =>
        await server.Channel.CreateCallInvoker().AsyncUnaryCall(
            new Method<byte[], byte[]>(MethodType.Unary, service, method, Bytes, Bytes), null, new CallOptions(
                deadline: DateTime.UtcNow + TestServer.Patience), Unreadable));
}
