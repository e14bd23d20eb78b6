using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using DistillOnnx.Server.Tests.Fakes;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Inference;
using Output = Inference.ModelInferRequest.Types.InferRequestedOutputTensor;
using Tensor = Inference.ModelInferRequest.Types.InferInputTensor;

namespace DistillOnnx.Server.Tests.Services;

/// <summary>Rationales: given where asked for, written one at a time, bounded, and apart from labels.</summary>
public sealed class ExplainTests
{
    private const string Why = "the student was trained without rationales";

    private static readonly string[] Texts = ["a man sleeps", "two dogs run"];

    [Fact]
    public async Task Predict_Explain_AnswersLabelsAndRationales()
    {
        await using var server = await TestServer.StartAsync();

        var answers = await server.Client.PredictAsync("nli", Texts, explain: true).WaitAsync(TestServer.Patience);
        var one = await server.Client.PredictAsync("nli", Texts[0], explain: true).WaitAsync(TestServer.Patience);

        Assert.Equal(
            Texts.Select(t => (server.Predictor.Answer(t).Label, FakePredictor.Rationale(t))), answers.Select(a => (a.Label, a.Rationale)));
        Assert.Equal(answers[0], one);
    }

    [Fact]
    public async Task Predict_NoExplain_WritesNoRationale()
    {
        await using var server = await TestServer.StartAsync();

        var answers = await server.Client.PredictAsync("nli", Texts).WaitAsync(TestServer.Patience);

        Assert.All(answers, a => Assert.False(a.HasRationale));
        Assert.Empty(server.Predictor.Explained);
    }

    [Fact]
    public async Task Predict_ModelCannotExplain_IsFailedPreconditionWithTheReason()
    {
        await using var server = await TestServer.StartAsync(new FakePredictor { CannotExplain = Why });

        var fault = await Assert.ThrowsAsync<RpcException>(
            () => server.Client.PredictAsync("nli", "text", explain: true).WaitAsync(TestServer.Patience));
        var infer = await Assert.ThrowsAsync<RpcException>(async () => await InferAsync(server, explain: new() { BoolParam = true }));
        using var json = await server.Http.PostAsJsonAsync("/v1/models/nli:predict", new { inputs = Texts, explain = true });
        using var rest = await RestAsync(server, new { explain = true }, null);
        var metadata = await Inference(server).ModelMetadataAsync(new ModelMetadataRequest { Name = "nli" }, deadline: Soon());

        Assert.Equal((StatusCode.FailedPrecondition, $"explain: {Why}"), (fault.StatusCode, fault.Status.Detail));
        Assert.Equal((StatusCode.FailedPrecondition, $"explain: {Why}"), (infer.StatusCode, infer.Status.Detail));
        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (json.StatusCode, rest.StatusCode));
        Assert.DoesNotContain("rationale", metadata.Outputs.Select(o => o.Name));
        Assert.Equal(server.Predictor.Answer("text").Label, (await server.Client.PredictAsync("nli", "text")).Label);
    }

    [Fact]
    public async Task Predict_ModelCannotExplainPartial_IsAFaultOfEachInput()
    {
        await using var server = await TestServer.StartAsync(new FakePredictor { CannotExplain = Why });
        var request = Request(["text", "", "another"]);
        request.Partial = true;

        var response = await server.Client.PredictAsync(request).WaitAsync(TestServer.Patience);

        StatusCode[] expected = [StatusCode.FailedPrecondition, StatusCode.InvalidArgument, StatusCode.FailedPrecondition];
        Assert.Equal(expected, response.Predictions.Select(p => (StatusCode)p.Error.Code));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Predict_ARationaleFails_IsThatInputsFault(bool partial)
    {
        await using var server = await TestServer.StartAsync(
            configure: o => o with { LogLevel = Microsoft.Extensions.Logging.LogLevel.Critical });
        server.Predictor.OnExplain = (text, _) =>
        {
            if (text == "bad") throw new InvalidOperationException("not for clients");
        };
        var request = Request(["one", "bad", "two"]);
        request.Partial = partial;

        if (!partial)
        {
            var fault = await Assert.ThrowsAsync<RpcException>(() => server.Client.PredictAsync(request).WaitAsync(TestServer.Patience));
            Assert.Equal(StatusCode.Internal, fault.StatusCode);
            Assert.DoesNotContain("not for clients", fault.Status.Detail, StringComparison.Ordinal);
            return;
        }

        var answers = (await server.Client.PredictAsync(request).WaitAsync(TestServer.Patience)).Predictions;
        Assert.Equal([FakePredictor.Rationale("one"), "", FakePredictor.Rationale("two")], answers.Select(a => a.Rationale));
        Assert.Equal(StatusCode.Internal, (StatusCode)answers[1].Error.Code);
    }

    [Fact]
    public async Task Predict_RationalesFull_IsRefusedWhileLabelsAreAnswered()
    {
        using var gate = new Gate();
        await using var server = await TestServer.StartAsync(configure: o => o with { RationaleRows = 3 });
        Hold(server, gate);
        var running = server.Client.PredictAsync("nli", Texts, explain: true);
        await gate.Entered;
        using var beside = Once(server);
        var waiting = beside.PredictAsync("nli", "beside", explain: true);
        await Wait.UntilAsync(() => server.Model.Rationales.Rows == 3);

        using var once = Once(server);
        var full = await Assert.ThrowsAsync<RpcException>(
            () => once.PredictAsync("nli", "third", explain: true).WaitAsync(TestServer.Patience));
        using var json = await server.Http.PostAsJsonAsync("/v1/models/nli:predict", new { inputs = Texts, explain = true });
        var label = await server.Client.PredictAsync("nli", "a label alone").WaitAsync(TestServer.Patience);
        gate.Open();

        Assert.Equal(StatusCode.ResourceExhausted, full.StatusCode);
        Assert.NotNull(full.Detail<RetryInfo>().RetryDelay);
        Assert.Equal(HttpStatusCode.TooManyRequests, json.StatusCode);
        Assert.Equal(server.Predictor.Answer("a label alone").Label, label.Label);
        Assert.Equal(Texts.Select(FakePredictor.Rationale), (await running.WaitAsync(TestServer.Patience)).Select(a => a.Rationale));
        Assert.Equal(FakePredictor.Rationale("beside"), (await waiting.WaitAsync(TestServer.Patience)).Rationale);
        Assert.Equal(FakePredictor.Rationale("then"), (await server.Client.PredictAsync("nli", "then", explain: true)).Rationale);
    }

    [Fact]
    public async Task Predict_CallerWithAllItsShare_IsRefusedWhileOthersAreTaken()
    {
        using var gate = new Gate();
        await using var server = await TestServer.StartAsync(configure: o => o with { RationaleRows = 4 });
        Hold(server, gate);
        using var greedy = Once(server);
        string[] share = ["one", "two", "three"];
        var running = greedy.PredictAsync("nli", share, explain: true);
        await gate.Entered;

        var fault = await Assert.ThrowsAsync<RpcException>(
            () => greedy.PredictAsync("nli", "four", explain: true).WaitAsync(TestServer.Patience));
        var other = server.Client.PredictAsync("nli", "other", explain: true);
        await Wait.UntilAsync(() => server.Model.Rationales.Rows == 4);
        gate.Open();

        Assert.Equal((StatusCode.ResourceExhausted, "the caller's share of the queue is full"), (fault.StatusCode, fault.Status.Detail));
        Assert.Equal(FakePredictor.Rationale("other"), (await other.WaitAsync(TestServer.Patience)).Rationale);
        Assert.Equal(share.Select(FakePredictor.Rationale), (await running.WaitAsync(TestServer.Patience)).Select(a => a.Rationale));
        Assert.Equal(FakePredictor.Rationale("again"), (await greedy.PredictAsync("nli", "again", explain: true)).Rationale);
    }

    [Fact]
    public async Task Predict_MoreInputsThanMayWait_IsInvalid()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { RationaleRows = 1 });

        var fault = await Assert.ThrowsAsync<RpcException>(
            () => server.Client.PredictAsync("nli", Texts, explain: true).WaitAsync(TestServer.Patience));

        Assert.Equal(
            (StatusCode.InvalidArgument, "inputs: expected at most 1 with explain, found 2"), (fault.StatusCode, fault.Status.Detail));
    }

    [Fact]
    public async Task Predict_ManyCalls_WritesOneRationaleAtATime()
    {
        var (now, most) = (0, 0);
        await using var server = await TestServer.StartAsync();
        server.Predictor.OnExplain = (_, _) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref now));
            Thread.Yield();
            Interlocked.Decrement(ref now);
        };

        var calls = Enumerable.Range(0, 20).Select(i => server.Client.PredictAsync("nli", [$"a {i}", $"b {i}"], explain: true));
        await Task.WhenAll(calls).WaitAsync(TestServer.Patience);

        Assert.Equal((40, 1), (server.Predictor.Explained.Count, most));
    }

    [Fact]
    public async Task Predict_SmallCallBesideALargeOne_TakesTurnsWithIt()
    {
        using var gate = new Gate();
        await using var server = await TestServer.StartAsync();
        Hold(server, gate);
        var large = server.Client.PredictAsync("nli", Enumerable.Range(0, 10).Select(i => $"large {i}"), explain: true);
        await gate.Entered;
        var small = server.Client.PredictAsync("nli", "small", explain: true);
        await Wait.UntilAsync(() => server.Model.Rationales.Rows == 11 && server.Predictor.Batches == 2);
        await Wait.UntilAsync(() => server.Model.Rationales.Waiting == 1);

        gate.Open();
        await Task.WhenAll(large, small).WaitAsync(TestServer.Patience);

        Assert.Equal(["large 0", "small", "large 1"], server.Predictor.Explained.Take(3));
    }

    [Fact]
    public async Task Predict_DeadlineWithinARationale_StopsItAndFreesItsRoom()
    {
        await using var server = await TestServer.StartAsync();
        server.Predictor.OnExplain = (_, token) => token.WaitHandle.WaitOne(TestServer.Patience);

        var fault = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Client.Raw.PredictAsync(Request(Texts), deadline: DateTime.UtcNow.AddMilliseconds(300)));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/models/nli:predict")
        {
            Content = JsonContent.Create(new { inputs = Texts, explain = true }),
            Headers = { { "grpc-timeout", "300m" } },
        };
        using var json = await server.Http.SendAsync(request);

        Assert.Equal((StatusCode.DeadlineExceeded, HttpStatusCode.GatewayTimeout), (fault.StatusCode, json.StatusCode));
        await Wait.UntilAsync(() => server.Model.Rationales.Rows == 0);
    }

    [Fact]
    public async Task Predict_CallerGoesAway_StopsTheRationale()
    {
        await using var server = await TestServer.StartAsync();
        using var cancel = new CancellationTokenSource();
        server.Predictor.OnExplain = (_, token) => token.WaitHandle.WaitOne(TestServer.Patience);
        var call = server.Client.PredictAsync("nli", Texts, explain: true, cancel.Token);
        await Wait.UntilAsync(() => !server.Predictor.Explained.IsEmpty);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(TestServer.Patience));
        await Wait.UntilAsync(() => server.Model.Rationales.Rows == 0);
        Assert.Equal(Texts[..1], server.Predictor.Explained);
    }

    [Fact]
    public async Task StopAsync_RationaleThatNeverEnds_StopsWithinTheBound()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { DrainSeconds = 0.2 });
        server.Predictor.OnExplain = (_, token) => token.WaitHandle.WaitOne();
        var call = server.Client.PredictAsync("nli", "one", explain: true);
        await Wait.UntilAsync(() => !server.Predictor.Explained.IsEmpty);

        await server.Host.StopAsync().WaitAsync(TestServer.Patience);

        await Assert.ThrowsAsync<RpcException>(() => call.WaitAsync(TestServer.Patience));
        Assert.True(server.Predictor.Disposed);
    }

    [Fact]
    public async Task PredictStream_Explain_AnswersRationales()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Client.Raw.PredictStream(deadline: Soon());

        await call.RequestStream.WriteAsync(new PredictStreamRequest { Id = "a", Request = Request(["with"]) });
        await call.RequestStream.CompleteAsync();
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Equal(FakePredictor.Rationale("with"), Assert.Single(call.ResponseStream.Current.Response.Predictions).Rationale);
    }

    [Theory]
    [InlineData(null, "", "label,probability,probabilities,abstained,truncated")]
    [InlineData(false, "", "label,probability,probabilities,abstained,truncated")]
    [InlineData(true, "", "label,probability,probabilities,abstained,truncated,rationale")]
    [InlineData(true, "label", "label,rationale")]
    [InlineData(true, "rationale,label", "rationale,label")]
    [InlineData(null, "rationale", "rationale")]
    [InlineData(false, "label", "label")]
    [InlineData(false, "rationale", "outputs[0].name: \"rationale\" is asked for, but parameters.explain is false")]
    public async Task Infer_ParameterAndOutputs_GiveTheSameByGrpcAndRest(bool? explain, string asked, string expected)
    {
        await using var server = await TestServer.StartAsync();
        var names = asked.Split(',', StringSplitOptions.RemoveEmptyEntries);

        var grpc = await AnswerAsync(() => InferAsync(server, explain is { } flag ? new() { BoolParam = flag } : null, names));
        using var rest = await RestAsync(server, explain is { } e ? new { explain = e } : null, names);
        var answer = await rest.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(expected, grpc);
        if (answer.TryGetProperty("error", out var error))
        {
            Assert.Equal((HttpStatusCode.BadRequest, expected), (rest.StatusCode, error.GetString()));
            return;
        }

        var outputs = answer.GetProperty("outputs").EnumerateArray().ToDictionary(o => o.GetProperty("name").GetString()!);
        Assert.Equal(expected, string.Join(',', outputs.Keys));
        if (!outputs.TryGetValue("rationale", out var rationale)) return;
        Assert.Equal(
            ("BYTES", Texts.Length), (rationale.GetProperty("datatype").GetString(), rationale.GetProperty("shape")[0].GetInt32()));
        Assert.Equal(Texts.Select(FakePredictor.Rationale), rationale.GetProperty("data").EnumerateArray().Select(d => d.GetString()!));
    }

    [Fact]
    public async Task Infer_ExplainThatIsNoTruthValue_IsInvalidByGrpcAndRest()
    {
        await using var server = await TestServer.StartAsync();

        var grpc = await AnswerAsync(() => InferAsync(server, explain: new() { StringParam = "yes" }));
        using var rest = await RestAsync(server, new { explain = "yes" }, null);
        var error = (await rest.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString();

        Assert.StartsWith("parameters.explain: expected true or false", grpc, StringComparison.Ordinal);
        Assert.StartsWith("parameters.explain: expected true or false", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metadata_ModelThatExplains_NamesTheRationale()
    {
        await using var server = await TestServer.StartAsync();

        var model = await Inference(server).ModelMetadataAsync(new ModelMetadataRequest { Name = "nli" }, deadline: Soon());

        var rationale = model.Outputs.Single(o => o.Name == "rationale");
        Assert.Equal("BYTES", rationale.Datatype);
        Assert.Equal([-1L], rationale.Shape);
    }

    [Fact]
    public async Task Metrics_AfterExplanations_CountAndTimeThem()
    {
        // A name of its own: meters are the process's, and other tests' servers count too.
        await using var server = await TestServer.StartAsync(
            configure: o => o with { Model = [o.Model[0].Replace("nli=", "explained=", StringComparison.Ordinal)], RationaleRows = 3 });
        await server.Client.PredictAsync("explained", Texts, explain: true).WaitAsync(TestServer.Patience);
        using var gate = new Gate();
        Hold(server, gate);
        var running = server.Client.PredictAsync("explained", Texts, explain: true);
        await gate.Entered;
        using var once = Once(server);
        await Assert.ThrowsAsync<RpcException>(() => once.PredictAsync("explained", Texts, explain: true).WaitAsync(TestServer.Patience));

        var page = await server.Http.GetStringAsync("/metrics");
        gate.Open();
        await running.WaitAsync(TestServer.Patience);

        Assert.Equal("2", Value(page, "distillonnx_explanations_total", "outcome=\"answered\""));
        Assert.Equal("2", Value(page, "distillonnx_explanation_duration_seconds_count", "stage=\"generate\""));
        Assert.Equal("2", Value(page, "distillonnx_explanation_duration_seconds_count", "stage=\"queue\""));
        Assert.Equal("1", Value(page, "distillonnx_rejections_total", "reason=\"rationale_queue_full\""));
    }

    private static void Hold(TestServer server, Gate gate)
    {
        var hold = gate.Hold();
        server.Predictor.OnExplain = (text, _) => hold([text]);
    }

    private static PredictRequest Request(string[] texts) =>
        new() { Model = "nli", Explain = true, Inputs = { texts.Select(t => new PredictionInput { Text = t }) } };

    private static GRPCInferenceService.GRPCInferenceServiceClient Inference(TestServer server) => new(server.Channel);

    private static async Task<ModelInferResponse> InferAsync(TestServer server, InferParameter? explain, params string[] outputs)
    {
        var text = new Tensor { Name = "text", Datatype = "BYTES", Shape = { Texts.Length }, Contents = new InferTensorContents() };
        text.Contents.BytesContents.AddRange(Texts.Select(ByteString.CopyFromUtf8));
        var request = new ModelInferRequest
        {
            ModelName = "nli",
            Inputs = { text },
            Outputs = { outputs.Select(o => new Output { Name = o }) },
        };
        if (explain is not null) request.Parameters["explain"] = explain;
        return await Inference(server).ModelInferAsync(request, deadline: Soon());
    }

    private static async Task<string> AnswerAsync(Func<Task<ModelInferResponse>> call)
    {
        try
        {
            var response = await call();
            var rationale = response.Outputs.SingleOrDefault(o => o.Name == "rationale");
            if (rationale is not null)
                Assert.Equal(Texts.Select(FakePredictor.Rationale), rationale.Contents.BytesContents.Select(b => b.ToStringUtf8()));
            return string.Join(',', response.Outputs.Select(o => o.Name));
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.InvalidArgument)
        {
            return e.Status.Detail;
        }
    }

    private static Task<HttpResponseMessage> RestAsync(TestServer server, object? parameters, string[]? outputs)
    {
        var body = new Dictionary<string, object>
        {
            ["inputs"] = new[] { new { name = "text", shape = new[] { Texts.Length }, datatype = "BYTES", data = Texts } },
        };
        if (parameters is not null) body["parameters"] = parameters;
        if (outputs is not null) body["outputs"] = outputs.Select(o => new { name = o });
        return server.Http.PostAsJsonAsync("/v2/models/nli/infer", body);
    }

    private static string Value(string page, string name, string label) => page.Split('\n')
        .Single(l => l.StartsWith(name + "{", StringComparison.Ordinal)
            && l.Contains("model=\"explained\"", StringComparison.Ordinal)
            && l.Contains(label, StringComparison.Ordinal))
        .Split("} ")[1].Split(' ')[0];

    /// <summary>A client that does not try again what is refused.</summary>
    private static PredictionClient Once(TestServer server) =>
        new(new PredictionClientOptions { Addresses = [server.Address], MaxAttempts = 1 });

    private static DateTime Soon() => DateTime.UtcNow + TestServer.Patience;
}
