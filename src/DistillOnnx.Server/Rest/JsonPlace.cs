using System.Globalization;
using System.Text;

namespace DistillOnnx.Server.Rest;

/// <summary>
/// Where a value of a JSON body stands. Its path is written only where something is wrong there: a body can have a long name above many
/// values, and the paths of all would take their product.
/// </summary>
/// <param name="parent">Where the object or array stands that holds it; null: it is the whole body.</param>
/// <param name="name">Its name in an object; null: it is an element of an array.</param>
/// <param name="index">Its place in an array.</param>
internal sealed class JsonPlace(JsonPlace? parent, string? name, int index)
{
    /// <summary>The path from the body, for instance <c>inputs[0].text</c>.</summary>
    public string Path()
    {
        var path = new StringBuilder();
        AppendTo(path);
        return path.ToString();
    }

    private void AppendTo(StringBuilder path)
    {
        parent?.AppendTo(path);
        if (name is null) path.Append(CultureInfo.InvariantCulture, $"[{index}]");
        else path.Append(path.Length > 0 ? "." : "").Append(name);
    }
}
