using DistillOnnx.Core;
using DistillOnnx.Hosting.Batching;
using DistillOnnx.Server.Models;
using DistillOnnx.V1;
using Grpc.Core;
using Input = DistillOnnx.Core.Prediction.PredictorInput;

namespace DistillOnnx.Server.Services;

/// <summary>A request's inputs, checked and encoded on the caller's own thread.</summary>
internal sealed class RowSet
{
    private RowSet(RpcException?[] faults, List<EncodedRow> encoded)
    {
        Faults = faults;
        Encoded = encoded;
    }

    /// <summary>What is wrong with each input; null: nothing.</summary>
    public IReadOnlyList<RpcException?> Faults { get; }

    /// <summary>Where in the request each encoded input is.</summary>
    public IEnumerable<int> Positions => Enumerable.Range(0, Faults.Count).Where(i => Faults[i] is null);

    /// <summary>The inputs without a fault, in order.</summary>
    public IReadOnlyList<EncodedRow> Encoded { get; }

    /// <summary>Checks and encodes.</summary>
    /// <exception cref="RpcException">The request is at fault, or one of its inputs where no partial answer is wanted.</exception>
    public static RowSet Encode(PredictRequest request, ModelVersion model, RequestLimits limits)
    {
        if (request.Inputs.Count == 0) throw Services.Faults.Invalid("inputs", "expected at least one, found none");
        if (request.Inputs.Count > limits.MaxRows)
            throw Services.Faults.Invalid("inputs", $"expected at most {limits.MaxRows}, found {request.Inputs.Count}");
        var faults = new RpcException?[request.Inputs.Count];
        var encoded = new List<EncodedRow>(request.Inputs.Count);
        for (var i = 0; i < request.Inputs.Count; i++)
        {
            try
            {
                encoded.Add(Encode(request.Inputs[i], $"inputs[{i}]", model, limits));
            }
            catch (RpcException e) when (request.Partial)
            {
                faults[i] = e;
            }
        }

        return new RowSet(faults, encoded);
    }

    /// <summary>The same inputs, none of which is answered; those without a fault of their own get one.</summary>
    public RowSet Refuse(RpcException fault) => new([.. Faults.Select(f => f ?? fault)], []);

    private static EncodedRow Encode(PredictionInput input, string field, ModelVersion model, RequestLimits limits)
    {
        if (string.IsNullOrWhiteSpace(input.Text)) throw Services.Faults.Invalid($"{field}.text", "expected a text, found an empty one");
        if (input.Text.Length > limits.MaxCharacters)
            throw Services.Faults.Invalid(
                $"{field}.text", $"expected at most {limits.MaxCharacters} characters, found {input.Text.Length}");
        if (input.Choices.Count > limits.MaxChoices)
            throw Services.Faults.Invalid($"{field}.choices", $"expected at most {limits.MaxChoices}, found {input.Choices.Count}");
        var characters = input.Choices.Sum(c => (long)c.Length);
        if (characters > limits.MaxCharacters)
            throw Services.Faults.Invalid(
                $"{field}.choices", $"expected at most {limits.MaxCharacters} characters together, found {characters}");
        EncodedRow row;
        try
        {
            var choices = input.Choices.Count == 0 ? null : input.Choices.ToArray();
            row = model.Predictor.EncodeWithin(new Input(input.Text, choices), limits.MaxTokens);
        }
        catch (InputException e)
        {
            throw Services.Faults.Invalid(field, e.Message);
        }

        return row.TextTokens <= limits.MaxTokens
            ? row
            : throw Services.Faults.Invalid($"{field}.text", $"expected at most {limits.MaxTokens} tokens, found {row.TextTokens}");
    }
}
