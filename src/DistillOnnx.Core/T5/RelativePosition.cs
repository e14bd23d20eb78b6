namespace DistillOnnx.Core.T5;

/// <summary>
/// T5's relative position buckets (Raffel et al. 2020, section 2.1): small distances have a bucket each, larger ones share
/// buckets that grow logarithmically, and from a maximum distance on all share the last. The encoder gives half of its
/// buckets to each direction; the decoder, which never looks ahead, gives all of them to the past.
/// </summary>
public static class RelativePosition
{
    /// <summary>The bucket of one distance.</summary>
    /// <param name="distance">Position of the key less position of the query.</param>
    /// <param name="bidirectional">True in the encoder, false in the decoder.</param>
    /// <param name="buckets">Number of buckets in all.</param>
    /// <param name="maxDistance">Distance from which the last bucket is used.</param>
    public static int Bucket(int distance, bool bidirectional, int buckets, int maxDistance)
    {
        var first = 0;
        if (bidirectional)
        {
            buckets /= 2;
            if (distance > 0) first = buckets;
            distance = Math.Abs(distance);
        }
        else
        {
            distance = Math.Max(0, -distance);
        }

        var exact = buckets / 2;
        if (distance < exact) return first + distance;

        // Single precision, operation by operation as the reference: on a bucket's edge the rounding decides.
        var share = MathF.Log(distance / (float)exact) / (float)Math.Log(maxDistance / (double)exact);
        return first + Math.Min(buckets - 1, exact + (int)(share * (buckets - exact)));
    }

    /// <summary>The buckets of consecutive queries and keys, row by row: [queries, keys].</summary>
    /// <param name="queries">Number of queries.</param>
    /// <param name="keys">Number of keys; they start at position 0.</param>
    /// <param name="bidirectional">True in the encoder, false in the decoder.</param>
    /// <param name="config">Gives the number of buckets and the maximum distance.</param>
    /// <param name="firstQuery">Position of the first query, where earlier ones were decoded before.</param>
    public static int[] Buckets(int queries, int keys, bool bidirectional, T5Config config, int firstQuery = 0)
    {
        // A bucket depends on the distance alone, so a row is a window of the one table.
        var lowest = -(firstQuery + queries - 1);
        var table = new int[queries + keys + firstQuery];
        for (var i = 0; i < table.Length; i++)
            table[i] = Bucket(lowest + i, bidirectional, config.RelativeAttentionNumBuckets, config.RelativeAttentionMaxDistance);

        var result = new int[queries * keys];
        for (var q = 0; q < queries; q++) Array.Copy(table, -(firstQuery + q) - lowest, result, q * keys, keys);
        return result;
    }
}
