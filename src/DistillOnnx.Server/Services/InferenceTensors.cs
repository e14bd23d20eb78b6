using DistillOnnx.Server.Models;
using DistillOnnx.V1;
using Google.Protobuf;
using Inference;
using static Inference.ModelInferResponse.Types;
using static Inference.ModelMetadataResponse.Types;
using TaskKind = DistillOnnx.Core.Tasks.TaskKind;

namespace DistillOnnx.Server.Services;

/// <summary>
/// Predictions as tensors of the Open Inference Protocol: input <c>text</c> BYTES [N], with <c>choices</c> BYTES [N, L] where
/// inputs bring their own; outputs <c>label</c> BYTES [N], <c>probability</c> FP32 [N], <c>probabilities</c> FP32 [N, L],
/// <c>abstained</c> and <c>truncated</c> BOOL [N]; where a teacher may answer, <c>answered_by</c> BYTES [N]; where asked for,
/// <c>rationale</c> BYTES [N].
/// </summary>
internal static class InferenceTensors
{
    private const string Text = "text";
    private const string Choices = "choices";
    private const string Label = "label";
    private const string Probability = "probability";
    private const string Probabilities = "probabilities";
    private const string Abstained = "abstained";
    private const string Truncated = "truncated";
    private const string Rationale = "rationale";
    private const string AnsweredBy = "answered_by";
    private const string Explain = "explain";
    private const string Bool = "BOOL";
    private const string ContentType = "content_type";

    /// <summary>A model's metadata.</summary>
    public static ModelMetadataResponse Describe(ModelEntry entry, ModelVersion version, bool withTeacher)
    {
        long labels = version.Task.Labels?.Count ?? -1;
        var response = new ModelMetadataResponse { Name = version.Name, Platform = "onnxruntime_onnx" };
        response.Versions.AddRange(entry.Versions.Keys);
        response.Inputs.Add(Tensor(Text, TensorBytes.Type, -1));
        if (version.Task.Kind == TaskKind.Choices) response.Inputs.Add(Tensor(Choices, TensorBytes.Type, -1, -1));
        response.Outputs.Add(Tensor(Label, TensorBytes.Type, -1));
        if (version.Task.Kind != TaskKind.Text)
        {
            response.Outputs.Add(Tensor(Probability, "FP32", -1));
            response.Outputs.Add(Tensor(Probabilities, "FP32", -1, labels));
        }

        response.Outputs.Add(Tensor(Abstained, Bool, -1));
        response.Outputs.Add(Tensor(Truncated, Bool, -1));
        if (withTeacher) response.Outputs.Add(Tensor(AnsweredBy, TensorBytes.Type, -1));
        if (version.Predictor.CannotExplain is null) response.Outputs.Add(Tensor(Rationale, TensorBytes.Type, -1));
        return response;
    }

    /// <summary>
    /// The outputs that a request asks for; all that the task has where it names none. The rationale is among them where the
    /// request names it or has the parameter <c>explain</c>: either asks for it.
    /// </summary>
    /// <exception cref="Grpc.Core.RpcException">It asks for one that the task does not have, or for a rationale that its
    /// parameter declines.</exception>
    public static IReadOnlyList<string> Outputs(ModelInferRequest request, TaskKind kind, bool withTeacher)
    {
        string[] known = kind == TaskKind.Text ? [Label, Abstained, Truncated] : [Label, Probability, Probabilities, Abstained, Truncated];
        if (withTeacher) known = [.. known, AnsweredBy];
        var explain = WantsRationale(request);
        if (request.Outputs.Count == 0) return explain == true ? [.. known, Rationale] : known;
        for (var i = 0; i < request.Outputs.Count; i++)
        {
            var name = request.Outputs[i].Name;
            if (name == Rationale && explain == false)
                throw Faults.Invalid($"outputs[{i}].name", "\"rationale\" is asked for, but parameters.explain is false");
            if (name != Rationale && !known.Contains(name))
                throw Faults.Invalid(
                    $"outputs[{i}].name", $"expected one of {string.Join(", ", known)}, {Rationale}, found \"{Short(name)}\"");
            if (request.Outputs.Take(i).Any(o => o.Name == name)) throw Faults.Invalid($"outputs[{i}].name", $"\"{name}\" is there twice");
        }

        string[] asked = [.. request.Outputs.Select(o => o.Name)];
        return explain == true && !asked.Contains(Rationale) ? [.. asked, Rationale] : asked;
    }

    /// <summary>Refuses parameters that this server does not know; what it left unread would seem to have been done.</summary>
    /// <exception cref="Grpc.Core.RpcException">There is one.</exception>
    public static void CheckParameters(ModelInferRequest request)
    {
        Refuse(request.Parameters.Keys.Where(k => k != Explain), "parameters", Explain);
        if (request.Parameters.TryGetValue(Explain, out var explain)
            && explain.ParameterChoiceCase != InferParameter.ParameterChoiceOneofCase.BoolParam)
            throw Faults.Invalid($"parameters.{Explain}", "expected true or false");
        for (var i = 0; i < request.Inputs.Count; i++)
        {
            var input = request.Inputs[i].Parameters;
            var isText = input.TryGetValue(ContentType, out var content) && content.StringParam == "str";
            Refuse(input.Keys.Where(k => !(isText && k == ContentType)), $"inputs[{i}].parameters", $"{ContentType} \"str\"");
        }

        for (var i = 0; i < request.Outputs.Count; i++) Refuse(request.Outputs[i].Parameters.Keys, $"outputs[{i}].parameters", "none");
    }

    /// <summary>The request as the server's own.</summary>
    /// <exception cref="Grpc.Core.RpcException">A tensor is missing, unknown, or not what it says.</exception>
    public static PredictRequest Read(ModelInferRequest request, bool withChoices, bool explain)
    {
        var at = Find(request, withChoices);
        var texts = Tensor(request, at, Text, shape => shape.Count == 1, "[N], a text for each input");
        var choices = withChoices
            ? Tensor(
                request, at, Choices, shape => shape.Count == 2 && shape[0] == texts.Count, $"[{texts.Count}, L], L choices for each text")
            : null;
        var converted = new PredictRequest { Model = request.ModelName, Version = request.ModelVersion, Explain = explain };
        var each = (choices?.Count ?? 0) / Math.Max(1, texts.Count);
        for (var i = 0; i < texts.Count; i++)
        {
            var input = new PredictionInput { Text = texts[i] };
            if (choices is not null) input.Choices.AddRange(choices.Skip(i * each).Take(each));
            converted.Inputs.Add(input);
        }

        return converted;
    }

    /// <summary>Where each input tensor is.</summary>
    private static Dictionary<string, int> Find(ModelInferRequest request, bool withChoices)
    {
        var at = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < request.Inputs.Count; i++)
        {
            var name = request.Inputs[i].Name;
            if (name != Text && !(withChoices && name == Choices))
                throw Faults.Invalid(
                    $"inputs[{i}].name", $"expected {(withChoices ? "text or choices" : "text")}, found \"{Short(name)}\"");
            if (!at.TryAdd(name, i)) throw Faults.Invalid($"inputs[{i}].name", $"\"{name}\" is there twice");
        }

        return at;
    }

    private static IReadOnlyList<string> Tensor(
        ModelInferRequest request, Dictionary<string, int> at, string name, Func<IReadOnlyList<long>, bool> fits, string expected)
    {
        if (!at.TryGetValue(name, out var index)) throw Faults.Invalid("inputs", $"expected a tensor named \"{name}\", found none");
        var shape = request.Inputs[index].Shape;
        return fits(shape)
            ? TensorBytes.Read(request, index)
            : throw Faults.Invalid($"inputs[{index}].shape", $"expected {expected}, found {TensorBytes.Describe(shape)}");
    }

    /// <summary>The answer, raw where the request was raw.</summary>
    public static ModelInferResponse Write(ModelInferRequest request, PredictResponse answer, IReadOnlyList<string> outputs)
    {
        var response = new ModelInferResponse { ModelName = answer.Model, ModelVersion = answer.Version, Id = request.Id };
        var raw = request.RawInputContents.Count > 0;
        foreach (var name in outputs)
        {
            var tensor = new InferOutputTensor { Name = name, Datatype = TypeOf(name), Shape = { answer.Predictions.Count } };
            if (name == Probabilities) tensor.Shape.Add(answer.Predictions.Max(p => p.Probabilities.Count));
            response.Outputs.Add(tensor);
            if (TypeOf(name) == TensorBytes.Type)
            {
                var texts = answer.Predictions.Select(
                    p => ByteString.CopyFromUtf8(name == Label ? p.Label : name == Rationale ? p.Rationale : p.AnsweredBy));
                if (raw) response.RawOutputContents.Add(TensorBytes.Pack(texts));
                else tensor.Contents = new InferTensorContents { BytesContents = { texts } };
            }
            else if (name is Abstained or Truncated)
            {
                bool[] values = [.. answer.Predictions.Select(p => name == Abstained ? p.Abstained : p.Truncated)];
                if (raw) response.RawOutputContents.Add(TensorBytes.Pack(values));
                else tensor.Contents = new InferTensorContents { BoolContents = { values } };
            }
            else
            {
                var numbers = name == Probability
                    ? answer.Predictions.Select(p => p.Probability)
                    : answer.Predictions.SelectMany(p => p.Probabilities);
                float[] values = [.. numbers.Select(n => (float)n)];
                if (raw) response.RawOutputContents.Add(TensorBytes.Pack(values));
                else tensor.Contents = new InferTensorContents { Fp32Contents = { values } };
            }
        }

        return response;
    }

    /// <summary>Whether a rationale is among some outputs.</summary>
    public static bool HaveRationale(IReadOnlyList<string> outputs) => outputs.Contains(Rationale);

    /// <summary>What the request's parameter says; null: nothing.</summary>
    private static bool? WantsRationale(ModelInferRequest request) =>
        request.Parameters.TryGetValue(Explain, out var explain) ? explain.BoolParam : null;

    private static void Refuse(IEnumerable<string> unknown, string field, string known)
    {
        if (unknown.Order(StringComparer.Ordinal).FirstOrDefault() is { } name)
            throw Faults.Invalid($"{field}.{Short(name)}", $"not known; expected {known}");
    }

    private static string TypeOf(string output) => output switch
    {
        Label or Rationale or AnsweredBy => TensorBytes.Type,
        Abstained or Truncated => Bool,
        _ => "FP32",
    };

    private static TensorMetadata Tensor(string name, string type, params long[] shape) =>
        new() { Name = name, Datatype = type, Shape = { shape } };

    private static string Short(string name) => name.Length <= 64 ? name : name[..64] + "…";
}
