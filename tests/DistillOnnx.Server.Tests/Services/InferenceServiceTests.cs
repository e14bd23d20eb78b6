using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Server.Tests.Fakes;
using Google.Protobuf;
using Grpc.Core;
using Inference;
using Input = DistillOnnx.Core.Prediction.PredictorInput;
using Output = Inference.ModelInferRequest.Types.InferRequestedOutputTensor;
using TaskKind = DistillOnnx.Core.Tasks.TaskKind;
using Tensor = Inference.ModelInferRequest.Types.InferInputTensor;

namespace DistillOnnx.Server.Tests.Services;

public sealed class InferenceServiceTests
{
    [Fact]
    public async Task ModelInfer_TypedContents_GivesEveryTensor()
    {
        await using var server = await TestServer.StartAsync();
        string[] texts = ["a man sleeps", "two dogs"];
        var request = new ModelInferRequest { ModelName = "nli", Id = "7", Inputs = { Texts("text", [2], texts) } };

        var response = await Client(server).ModelInferAsync(request, deadline: Soon());

        Assert.Equal(("nli", "1", "7"), (response.ModelName, response.ModelVersion, response.Id));
        Assert.Equal(["label", "probability", "probabilities", "abstained", "truncated"], response.Outputs.Select(o => o.Name));
        Assert.Equal(["BYTES", "FP32", "FP32", "BOOL", "BOOL"], response.Outputs.Select(o => o.Datatype));
        Assert.Equal([2L, 3L], response.Outputs[2].Shape);
        Assert.Equal(
            texts.Select(t => server.Predictor.Answer(t).Label), response.Outputs[0].Contents.BytesContents.Select(b => b.ToStringUtf8()));
        Assert.Equal(
            texts.SelectMany(t => server.Predictor.Answer(t).Probabilities!).Select(p => (float)p),
            response.Outputs[2].Contents.Fp32Contents);
        Assert.Equal(texts.Select(t => server.Predictor.Answer(t).Abstained), response.Outputs[3].Contents.BoolContents);
        Assert.Equal(texts.Select(t => server.Predictor.Answer(t).Truncated), response.Outputs[4].Contents.BoolContents);
    }

    [Fact]
    public async Task ModelInfer_RawContents_AnswersRaw()
    {
        await using var server = await TestServer.StartAsync();
        var text = Encoding.UTF8.GetBytes("größe");
        var raw = new byte[4 + text.Length];
        BinaryPrimitives.WriteInt32LittleEndian(raw, text.Length);
        text.CopyTo(raw, 4);
        var request = new ModelInferRequest
        {
            ModelName = "nli",
            Inputs = { new Tensor { Name = "text", Datatype = "BYTES", Shape = { 1 } } },
            RawInputContents = { ByteString.CopyFrom(raw) },
            Outputs = { new ModelInferRequest.Types.InferRequestedOutputTensor { Name = "probability" } },
        };

        var response = await Client(server).ModelInferAsync(request, deadline: Soon());

        Assert.Equal("probability", Assert.Single(response.Outputs).Name);
        Assert.Equal(
            (float)server.Predictor.Answer("größe").Probability!,
            BinaryPrimitives.ReadSingleLittleEndian(Assert.Single(response.RawOutputContents).Span));
    }

    [Fact]
    public async Task ModelInfer_ChoicesTask_ReadsChoicesRowByRow()
    {
        var predictor = new FakePredictor { Task = new TaskSpec { Name = "cqa", Kind = TaskKind.Choices } };
        await using var server = await TestServer.StartAsync(predictor);
        var request = new ModelInferRequest
        {
            ModelName = "nli",
            Inputs = { Texts("choices", [2, 2], ["a", "b", "c", "d"]), Texts("text", [2], ["one", "two"]) },
        };

        var response = await Client(server).ModelInferAsync(request, deadline: Soon());

        string[] expected =
        [
            predictor.Answer(new Input("one", ["a", "b"]), 2).Label, predictor.Answer(new Input("two", ["c", "d"]), 2).Label,
        ];
        Assert.Equal(expected, response.Outputs[0].Contents.BytesContents.Select(b => b.ToStringUtf8()));
    }

    [Fact]
    public async Task ModelInfer_BadTensor_IsInvalidAndNamed()
    {
        await using var server = await TestServer.StartAsync();
        foreach (var (field, request) in BadRequests())
        {
            request.ModelName = "nli";

            var fault = await Assert.ThrowsAsync<RpcException>(async () => await Client(server).ModelInferAsync(request, deadline: Soon()));

            Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
            Assert.StartsWith(field + ":", fault.Status.Detail, StringComparison.Ordinal);
        }
    }

    private static IEnumerable<(string Field, ModelInferRequest Request)> BadRequests() =>
    [
        ("inputs", new ModelInferRequest()),
        ("inputs[0].name", Of(Texts("txet", [1], ["a"]))),
        ("inputs[0].shape", Of(Texts("text", [2], ["a"]))),
        ("inputs[0].shape", Of(Texts("text", [-1, -1], ["a"]))),
        ("inputs[0].datatype", Of(new Tensor { Name = "text", Datatype = "FP32", Shape = { 1 } })),
        ("inputs[0].contents", Of(Bare(new InferTensorContents { BytesContents = { ByteString.CopyFrom(0xC3, 0x28) } }))),
        ("inputs[0].contents.fp32_contents", Of(Bare(new InferTensorContents { Fp32Contents = { 1 } }))),
        (
            "inputs[0].contents.int_contents",
            Of(Bare(new InferTensorContents { BytesContents = { ByteString.CopyFromUtf8("a") }, IntContents = { 1 } }))),
        (
            "raw_input_contents[0]",
            new ModelInferRequest { Inputs = { Bare(null) }, RawInputContents = { ByteString.CopyFrom(9, 0, 0, 0, 1) } }),
        ("outputs[0].name", Of(new Output { Name = "logits" })),
        (
            "parameters.priority",
            new ModelInferRequest { Inputs = { Texts("text", [1], ["a"]) }, Parameters = { ["priority"] = new() { Int64Param = 1 } } }),
        ("inputs[0].parameters.content_type", WithParameter(new() { StringParam = "base64" })),
        (
            "outputs[0].parameters.classification",
            Of(new Output { Name = "label", Parameters = { ["classification"] = new() { Int64Param = 2 } } })),
    ];

    [Fact]
    public async Task ModelInfer_ContentTypeOfTexts_IsKnown()
    {
        await using var server = await TestServer.StartAsync();
        var request = WithParameter(new() { StringParam = "str" });

        var response = await Client(server).ModelInferAsync(request, deadline: Soon());

        Assert.Equal(server.Predictor.Answer("a").Label, response.Outputs[0].Contents.BytesContents[0].ToStringUtf8());
    }

    [Fact]
    public async Task Metadata_ServedModel_DescribesTensorsAndReadiness()
    {
        await using var server = await TestServer.StartAsync();
        var client = Client(server);

        var model = await client.ModelMetadataAsync(new ModelMetadataRequest { Name = "nli" }, deadline: Soon());

        Assert.Equal(["text"], model.Inputs.Select(t => t.Name));
        Assert.Equal([-1L, 3L], model.Outputs.Single(t => t.Name == "probabilities").Shape);
        Assert.Equal(["1"], model.Versions);
        Assert.True((await client.ServerLiveAsync(new ServerLiveRequest(), deadline: Soon())).Live);
        Assert.True((await client.ServerReadyAsync(new ServerReadyRequest(), deadline: Soon())).Ready);
        Assert.True((await client.ModelReadyAsync(new ModelReadyRequest { Name = "nli" }, deadline: Soon())).Ready);
        Assert.Equal("distillonnx", (await client.ServerMetadataAsync(new ServerMetadataRequest(), deadline: Soon())).Name);
    }

    [Theory]
    [InlineData("other", "", "/v2/models/other/ready")]
    [InlineData("nli", "9", "/v2/models/nli/versions/9/ready")]
    public async Task ModelReady_UnknownModelOrVersion_IsNotFoundAsOverRest(string name, string version, string path)
    {
        await using var server = await TestServer.StartAsync();

        var fault = await Assert.ThrowsAsync<RpcException>(
            async () => await Client(server).ModelReadyAsync(new ModelReadyRequest { Name = name, Version = version }, deadline: Soon()));
        using var rest = await server.Http.GetAsync(path);

        Assert.Equal((StatusCode.NotFound, HttpStatusCode.NotFound), (fault.StatusCode, rest.StatusCode));
        var error = (await rest.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString();
        Assert.Equal(fault.Status.Detail, error);
    }

    private static GRPCInferenceService.GRPCInferenceServiceClient Client(TestServer server) => new(server.Channel);

    private static ModelInferRequest Of(Tensor input) => new() { Inputs = { input } };

    private static ModelInferRequest Of(Output output) => new() { Inputs = { Texts("text", [1], ["a"]) }, Outputs = { output } };

    private static Tensor Bare(InferTensorContents? contents) =>
        new() { Name = "text", Datatype = "BYTES", Shape = { 1 }, Contents = contents };

    private static ModelInferRequest WithParameter(InferParameter contentType)
    {
        var tensor = Texts("text", [1], ["a"]);
        tensor.Parameters["content_type"] = contentType;
        return new ModelInferRequest { Inputs = { tensor } };
    }

    private static Tensor Texts(string name, long[] shape, string[] texts) => new()
    {
        Name = name,
        Datatype = "BYTES",
        Shape = { shape },
        Contents = new InferTensorContents { BytesContents = { texts.Select(ByteString.CopyFromUtf8) } },
    };

    private static DateTime Soon() => DateTime.UtcNow + TestServer.Patience;
}
