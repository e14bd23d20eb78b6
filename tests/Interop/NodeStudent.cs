using System.Diagnostics;
using System.Text.Json.Nodes;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Interop;

/// <summary>A Node process that runs bundles under transformers.js: one request and one answer a line.</summary>
internal sealed class NodeStudent : IDisposable
{
    private readonly Process _process;

    private NodeStudent(Process process) => _process = process;

    /// <summary>Starts the process.</summary>
    /// <param name="missing">What has to be installed, where it cannot be started.</param>
    public static NodeStudent? TryStart(out string missing)
    {
        missing = "";
        var folder = InteropPaths.TransformersJs;
        if (ProgramPath.Find("node") is not { } node) missing = "Node.js is not on the path";
        else if (folder is null || !File.Exists(Path.Combine(folder, "node_modules", "@huggingface", "transformers", "package.json")))
            missing = "transformers.js is not installed: npm install --ignore-scripts in tests/Interop/transformersjs";
        else
        {
            var process = Process.Start(new ProcessStartInfo(node, "student.mjs")
            {
                WorkingDirectory = folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            return new NodeStudent(process);
        }

        return null;
    }

    /// <summary>Loads a bundle directory.</summary>
    public JsonObject Load(string bundle, int? threads = null) => Ask(new JsonObject { ["load"] = bundle, ["threads"] = threads });

    /// <summary>Decodes token ids.</summary>
    public JsonObject Generate(IEnumerable<int[]> ids, int maxNewTokens, int minNewTokens = 0, int beams = 1) => Ask(new JsonObject
    {
        ["ids"] = Rows(ids),
        ["maxNewTokens"] = maxNewTokens,
        ["minNewTokens"] = minNewTokens,
        ["beams"] = beams,
    });

    /// <summary>Decodes texts with its own tokenizer.</summary>
    public JsonObject Generate(IEnumerable<string> texts, int maxNewTokens, string prefix = "") => Ask(new JsonObject
    {
        ["texts"] = new JsonArray([.. texts.Select(t => (JsonNode?)(prefix + t))]),
        ["maxNewTokens"] = maxNewTokens,
    });

    /// <summary>Runs the encoder alone.</summary>
    public JsonObject Encode(IEnumerable<int[]> ids) => Ask(new JsonObject { ["encode"] = Rows(ids) });

    /// <summary>Loads the tokenizer of a directory alone.</summary>
    public JsonObject LoadTokenizer(string directory) => Ask(new JsonObject { ["tokenizer"] = directory });

    /// <summary>Ids of texts, with the end token.</summary>
    public JsonArray Tokenize(IEnumerable<string> texts) =>
        Ask(new JsonObject { ["tokenize"] = new JsonArray([.. texts.Select(t => (JsonNode?)t)]) })["ids"]!.AsArray();

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5000)) _process.Kill();
        _process.Dispose();
    }

    private static JsonArray Rows(IEnumerable<int[]> ids) =>
        [.. ids.Select(row => (JsonNode?)new JsonArray([.. row.Select(id => (JsonNode?)id)]))];

    private JsonObject Ask(JsonObject request)
    {
        _process.StandardInput.WriteLine(request.ToJsonString());
        _process.StandardInput.Flush();
        var line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the Node process ended");
        var reply = JsonNode.Parse(line)!.AsObject();
        return reply["error"] is { } error ? throw new InvalidOperationException($"transformers.js: {error}") : reply;
    }
}
