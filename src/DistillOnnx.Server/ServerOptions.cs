using DistillOnnx.Core.Options;
using DistillOnnx.Server.Hosting;
using DistillOnnx.Server.Models;

namespace DistillOnnx.Server;

/// <summary>What the prediction server serves, where, and within which limits.</summary>
public sealed record ServerOptions : IStageOptions
{
    /// <summary>Bundles to serve.</summary>
    [Option("a bundle directory to serve, by the name of its task or by one given; may be repeated", Value = "[NAME=]BUNDLE")]
    public IReadOnlyList<string> Model { get; init; } = [];

    /// <summary>Addresses.</summary>
    [Option("addresses to listen on; port 0 takes a free one. Default: loopback only", Value = "URL")]
    public IReadOnlyList<string> Urls { get; init; } = ["http://127.0.0.1:5080"];

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (Model.Count == 0) faults.Add("nothing to serve: pass --model [NAME=]BUNDLE");
        foreach (var model in Model) ModelReference.Check(model, faults);
        if (Urls.Count == 0) faults.Add("no address to listen on: --urls is empty");
        foreach (var url in Urls) ListenAddress.Check(url, faults);
        return faults;
    }
}
