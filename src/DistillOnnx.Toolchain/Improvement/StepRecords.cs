using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Stages.IO;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>
/// What the steps of a round came to, a file each: a step whose file is there is done. A step that was cut off before its file was written
/// runs again and gives the same, since its inputs and its seed are the same and the teacher's answers are kept.
/// </summary>
/// <param name="directory">The round's directory.</param>
/// <param name="boundary">Called before a step, after it, and when its file is written; for tests, which stop there.</param>
internal sealed class StepRecords(string directory, Action<string> boundary)
{
    /// <summary>Runs a step, or reads what it came to.</summary>
    /// <typeparam name="T">What a step comes to.</typeparam>
    /// <param name="name">The step.</param>
    /// <param name="run">Runs it.</param>
    /// <param name="isDone">Whether the step is done by what it came to, and not to be run again; null: it is.</param>
    /// <exception cref="InputException">The file is no record of this step.</exception>
    public async Task<T> RunAsync<T>(string name, Func<Task<T>> run, Func<T, bool>? isDone = null)
        where T : class
    {
        var path = Path.Combine(directory, $"{name}.json");
        if (Read<T>(path) is { } earlier) return earlier;
        boundary($"{name} begins");
        Directory.CreateDirectory(directory);
        var result = await run();
        if (isDone?.Invoke(result) == false) return result;
        boundary($"{name} is done");
        AtomicFile.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(ResultJson.ToNode(result)));
        boundary($"{name} is recorded");
        return result;
    }

    /// <summary>What a step came to; null where it is not done.</summary>
    /// <typeparam name="T">What a step comes to.</typeparam>
    /// <param name="name">The step.</param>
    /// <exception cref="InputException">The file is no record of this step.</exception>
    public T? Find<T>(string name)
        where T : class => Read<T>(Path.Combine(directory, $"{name}.json"));

    private static T? Read<T>(string path)
        where T : class
    {
        if (!File.Exists(path)) return null;
        try
        {
            return ResultJson.FromNode<T>(JsonNode.Parse(File.ReadAllBytes(path)))
                ?? throw new InputException($"{path}: expected the record of a step, found null");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InputException($"{path}: not the record of a step: {e.Message}; delete it to run the step again", e);
        }
    }
}
