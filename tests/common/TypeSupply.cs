using System.Diagnostics;

namespace NativeGreenlet.Common;

/// <summary>Types that nobody has used as an argument yet. Loaded types are never unloaded, so there is a first stock
/// and then so many a second.</summary>
internal static class TypeSupply
{
    private const int Stock = 3000;
    private const int PerSecond = 20;

    private static readonly Type[] s_parts =
    [
        typeof(int), typeof(byte), typeof(long), typeof(double), typeof(Guid), typeof(char), typeof(decimal), typeof(bool),
        typeof(string), typeof(object), typeof(Uri), typeof(Version), typeof(Cell), typeof(int[]), typeof(Exception), typeof(Type),
    ];

    private static readonly Stopwatch s_clock = Stopwatch.StartNew();
    private static int s_next;

    /// <summary>The next one; null when none is to be had at the moment.</summary>
    public static Type? Next()
    {
        if (Volatile.Read(ref s_next) > Stock + PerSecond * s_clock.Elapsed.TotalSeconds)
        {
            return null;
        }

        int index = Interlocked.Increment(ref s_next);
        Type result = s_parts[index & 15];
        for (int rest = index >> 4; rest != 0; rest >>= 4)
        {
            Type part = s_parts[rest & 15];
            result = (rest & 1) != 0 ? typeof(KeyValuePair<,>).MakeGenericType(result, part) : typeof(Tuple<,>).MakeGenericType(result, part);
        }

        return result;
    }
}
