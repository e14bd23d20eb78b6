using DistillOnnx.Server.Tests.Fakes;
using Google.Protobuf;
using Grpc.Core;

namespace DistillOnnx.Server.Tests.Services;

public sealed class CallBoundaryTests
{
    private const string Predictions = "distillonnx.v1.PredictionService";

    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(static (byte[] b) => b, static b => b);

    /// <summary>Field 1 of each request, two bytes that are no UTF-8; and a field that ends too early.</summary>
    public static TheoryData<string, string, byte[]> Unreadable => new(
        from message in (byte[][])[[0x0A, 2, 0xFF, 0xFE], [0x0A, 200]]
        from method in ((string, string)[])
        [
            (Predictions, "Predict"),
            (Predictions, "GetModel"),
            ("inference.GRPCInferenceService", "ModelInfer"),
            ("grpc.health.v1.Health", "Check"),
        ]
        select (method.Item1, method.Item2, message));

    [Theory]
    [MemberData(nameof(Unreadable))]
    public async Task UnaryCall_UnreadableMessage_IsTheClientsFault(string service, string name, byte[] message)
    {
        await using var server = await TestServer.StartAsync();
        var method = new Method<byte[], byte[]>(MethodType.Unary, service, name, Bytes, Bytes);

        var fault = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, Soon(), message));

        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
        Assert.Contains("UTF-8", fault.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnaryCall_FieldThatTheProtoFileLacks_IsIgnored()
    {
        await using var server = await TestServer.StartAsync();
        var method = new Method<byte[], byte[]>(MethodType.Unary, Predictions, "Predict", Bytes, Bytes);

        // Field 900, a number, behind a request for one text.
        byte[] message = [.. new PredictRequest { Inputs = { new PredictionInput { Text = "a" } } }.ToByteArray(), 0xA0, 0x38, 1];
        var answer = await server.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, Soon(), message);

        Assert.Equal(server.Predictor.Answer("a").Label, Assert.Single(PredictResponse.Parser.ParseFrom(answer).Predictions).Label);
    }

    [Fact]
    public async Task StreamingCall_UnreadableMessage_IsTheClientsFault()
    {
        await using var server = await TestServer.StartAsync();
        var method = new Method<byte[], byte[]>(MethodType.DuplexStreaming, Predictions, "PredictStream", Bytes, Bytes);

        using var call = server.Channel.CreateCallInvoker().AsyncDuplexStreamingCall(method, null, Soon());
        await call.RequestStream.WriteAsync([0x0A, 2, 0xFF, 0xFE]);
        var fault = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
    }

    [Fact]
    public async Task UnaryCall_BugOfTheServer_IsInternalAndSaysNothingOfTheText()
    {
        await using var server = await TestServer.StartAsync(new FakePredictor { Bug = "secret" });

        var fault = await Assert.ThrowsAsync<RpcException>(() => server.Client.PredictAsync("nli", "a secret text"));

        Assert.Equal(StatusCode.Internal, fault.StatusCode);
        Assert.DoesNotContain("secret", fault.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(server.Predictor.Answer("another").Label, (await server.Client.PredictAsync("nli", "another")).Label);
    }

    private static CallOptions Soon() => new(deadline: DateTime.UtcNow + TestServer.Patience);
}
