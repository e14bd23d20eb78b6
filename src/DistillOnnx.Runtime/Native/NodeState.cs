using System.Runtime.InteropServices;

namespace DistillOnnx.Runtime.Native;

/// <summary>What a node of a session keeps between its runs: an object that ONNX Runtime knows by a handle.</summary>
internal static unsafe class NodeState
{
    /// <summary>Makes it.</summary>
    /// <param name="make">Reads the node's attributes.</param>
    /// <param name="state">Receives the handle.</param>
    /// <returns>A status.</returns>
    public static nint Create(Func<object> make, nint* state) =>
        OrtInterface.Guard(() => *state = GCHandle.ToIntPtr(GCHandle.Alloc(make())));

    /// <summary>The object of a handle.</summary>
    public static T Of<T>(nint state)
        where T : class => (T)GCHandle.FromIntPtr(state).Target!;

    /// <summary>Gives it back.</summary>
    [UnmanagedCallersOnly]
    public static void Destroy(nint state) => GCHandle.FromIntPtr(state).Free();
}
