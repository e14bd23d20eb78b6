using DistillOnnx.Core.T5;
using DistillOnnx.Runtime.Native;
using DistillOnnx.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Generation;

/// <summary>
/// What a decoder graph is given so that it chooses the likeliest tokens itself: where it runs on a GPU, these cross to the processor and
/// not the scores of a whole vocabulary. Adds inputs <c>top_count</c> int64[1] and <c>token_bias</c> float[vocabulary], and outputs
/// <c>top_tokens</c> int64 and <c>top_log_probs</c> float, [rows, decoded, count] both, likeliest first and of equal ones the lower token
/// first. The bias takes part in the choice and not in the probabilities.
/// </summary>
internal sealed class TokenChoice : IDisposable
{
    private const string Logits = "logits", Count = "top_count", Bias = "token_bias";
    private const string Tokens = "top_tokens", LogProbabilities = "top_log_probs";

    private readonly T5Config _config;
    private readonly OrtValue _count;
    private readonly PooledTensor<float> _bias;

    /// <summary>Prepares the inputs of all steps of a decoding.</summary>
    /// <param name="config">Shape of the model.</param>
    /// <param name="count">How many tokens are chosen for each row.</param>
    public TokenChoice(T5Config config, int count)
    {
        Chosen = Math.Min(count, config.VocabSize);
        _count = OrtValue.CreateTensorValueFromMemory(new long[] { Chosen }, [1]);
        _bias = new PooledTensor<float>(config.VocabSize);
        _config = config;
    }

    /// <summary>Fields that are appended to a decoder graph's file.</summary>
    public static byte[] Addition { get; } = new GraphFields()
        .Input(Count, TensorElementType.Int64, "one").Input(Bias, TensorElementType.Float, "vocabulary")
        .Node("Cast", [Logits], ["choice/logits"], ("to", (long)TensorElementType.Float))
        .Node("Add", ["choice/logits", Bias], ["choice/biased"])
        .Node("TopK", ["choice/biased", Count], ["choice/best", Tokens], ("axis", -1))
        .Node("LogSoftmax", ["choice/logits"], ["choice/log_probs"], ("axis", -1))
        .Node("GatherElements", ["choice/log_probs", Tokens], [LogProbabilities], ("axis", -1))
        .Output(Tokens, TensorElementType.Int64, "choice_rows", "choice_decoded", "choice_count")
        .Output(LogProbabilities, TensorElementType.Float, "choice_rows", "choice_decoded", "choice_count").ToAddition();

    /// <summary>How many tokens are chosen for each row.</summary>
    public int Chosen { get; }

    /// <summary>Whether tokens that end decoding may be chosen; they may at first.</summary>
    public bool MayEnd
    {
        set
        {
            for (var token = 0; token < _config.VocabSize; token++)
            {
                if (_config.IsEnd(token)) _bias.Span[token] = value ? 0 : float.NegativeInfinity;
            }
        }
    }

    /// <summary>Binds the inputs, and the outputs to the processor's memory.</summary>
    public void Bind(OrtIoBinding binding)
    {
        binding.BindInput(Count, _count);
        binding.BindInput(Bias, _bias.Value);
        binding.BindOutputToDevice(Tokens, OrtMemoryInfo.DefaultInstance);
        binding.BindOutputToDevice(LogProbabilities, OrtMemoryInfo.DefaultInstance);
    }

    public void Dispose()
    {
        _count.Dispose();
        _bias.Dispose();
    }
}
