namespace DistillOnnx.Toolchain.Study;

/// <summary>What is known of a ratio of rows.</summary>
public enum RatioBound
{
    /// <summary>Its value: with every seed both curves cross the accuracy.</summary>
    Exact,

    /// <summary>
    /// That it is no larger: with some seed the reference does not reach the accuracy with all rows, or the method does with the fewest.
    /// </summary>
    AtMost,

    /// <summary>That it is no smaller: the other way round.</summary>
    AtLeast,
}
