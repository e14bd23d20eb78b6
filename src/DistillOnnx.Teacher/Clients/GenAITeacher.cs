using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Core.Native;
using DistillOnnx.Teacher.Prompts;
using Microsoft.Extensions.AI;
using Microsoft.ML.OnnxRuntimeGenAI;

namespace DistillOnnx.Teacher.Clients;

/// <summary>Opens language models within this process, on ONNX Runtime GenAI.</summary>
internal static class GenAITeacher
{
    private const string ConfigName = "genai_config.json";

    /// <summary>Loads the model of a directory.</summary>
    /// <param name="directory">A model as ONNX Runtime GenAI reads it.</param>
    /// <param name="style">Whether prompts go through the model's chat template.</param>
    /// <param name="clock">Measures how fast tokens come.</param>
    /// <exception cref="InputException">There is none, or it cannot be loaded.</exception>
    public static IChatClient Open(string directory, PromptStyle style, TimeProvider clock)
    {
        var config = Path.Combine(directory, ConfigName);
        if (!File.Exists(config)) throw new InputException($"{directory}: expected a model of ONNX Runtime GenAI ({ConfigName})");
        var context = Context(config);
        // GenAI brings ONNX Runtime, which reads the environment at its first use.
        TelemetrySwitch.Apply();
        try
        {
            return new GenAIChatClient(
                directory, context, style == PromptStyle.Chat ? null : m => string.Concat(m.Select(p => p.Text)), clock);
        }
        catch (Exception e) when (e is OnnxRuntimeGenAIException or DllNotFoundException)
        {
            throw new InputException($"{directory}: cannot be loaded: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private static int Context(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.GetProperty("model").GetProperty("context_length").GetInt32();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InputException($"{path}: expected \"model\" with \"context_length\", found something else", e);
        }
    }
}
