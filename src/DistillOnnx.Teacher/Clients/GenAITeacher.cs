using DistillOnnx.Core;
using DistillOnnx.Teacher.Prompts;
using Microsoft.Extensions.AI;
using Microsoft.ML.OnnxRuntimeGenAI;

namespace DistillOnnx.Teacher.Clients;

/// <summary>A language model within this process, on ONNX Runtime GenAI.</summary>
internal static class GenAITeacher
{
    /// <summary>Loads the model of a directory.</summary>
    /// <param name="directory">A model as ONNX Runtime GenAI reads it.</param>
    /// <param name="style">Whether prompts go through the model's chat template.</param>
    /// <exception cref="InputException">There is none, or it cannot be loaded.</exception>
    public static IChatClient Open(string directory, PromptStyle style)
    {
        if (!File.Exists(Path.Combine(directory, "genai_config.json")))
            throw new InputException($"{directory}: expected a model of ONNX Runtime GenAI (genai_config.json)");
        try
        {
            // Without its caching, which would carry one row's state into the next.
            var options = style == PromptStyle.Chat ? null : new OnnxRuntimeGenAIChatClientOptions { PromptFormatter = (messages, _) => string.Concat(messages.Select(m => m.Text)) };
            return new SingleFileChatClient(new OnnxRuntimeGenAIChatClient(directory, options), e => e is OnnxRuntimeGenAIException);
        }
        catch (Exception e) when (e is OnnxRuntimeGenAIException or DllNotFoundException)
        {
            throw new InputException($"{directory}: cannot be loaded: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
