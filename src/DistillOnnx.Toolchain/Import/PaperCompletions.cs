using System.Text.Json;
using DistillOnnx.Core;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Reads files that each hold a JSON array of completions.</summary>
internal static class PaperCompletions
{
    /// <summary>All completions, file after file.</summary>
    /// <param name="files">The files in order.</param>
    /// <exception cref="InputException">A file cannot be read or is not an array of strings.</exception>
    public static IEnumerable<string> Read(IReadOnlyList<string> files)
    {
        foreach (var file in files)
        {
            foreach (var completion in Load(file)) yield return completion;
        }
    }

    private static List<string> Load(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            using var document = JsonDocument.Parse(stream, new JsonDocumentOptions { MaxDepth = 4 });
            if (document.RootElement.ValueKind != JsonValueKind.Array)
                throw new InputException($"{file}: expected a JSON array of completions, found {document.RootElement.ValueKind}");
            var texts = new List<string>(document.RootElement.GetArrayLength());
            foreach (var item in document.RootElement.EnumerateArray())
            {
                if (item.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
                    throw new InputException($"{file}: completion {texts.Count + 1}: expected a string, found {item.ValueKind}");
                texts.Add(item.GetString() ?? "");
            }

            return texts;
        }
        catch (JsonException e)
        {
            throw new InputException($"{file}: expected a JSON array of completions, found one with a fault: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"{file}: expected Unicode text, found an escape sequence that is none", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: cannot be read: {e.Message}", e);
        }
    }
}
