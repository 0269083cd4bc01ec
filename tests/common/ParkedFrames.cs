using System.Runtime.CompilerServices;

namespace NativeGreenlet.Common;

/// <summary>Bodies whose frames hold references of each kind over a park. Each answers whether all was as it should be.</summary>
internal static class ParkedFrames
{
    private const int Size = 64;

    /// <summary>Those that can be frozen, the deepest last.</summary>
    public static readonly Func<int, bool>[] All = [Plain, Structure, Shared, Guarded, Enumerated, Inside, InsideOnly, EitherRef, OnStack, Deep];

    /// <summary>Suspends the greenlet.</summary>
    public static void Park() => Greenlet.Current.Parent!.Switch();

    public static byte[] Bytes(int seed)
    {
        byte[] bytes = new byte[Size];
        Array.Fill(bytes, (byte)seed);
        return bytes;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Plain(int seed)
    {
        Link first = new(seed, new Link(seed + 1, null));
        string text = seed.ToString("D8", null);
        object boxed = seed;
        Park();
        return first.Is(seed) && first.Next!.Is(seed + 1) && text == seed.ToString("D8", null) && boxed is int number && number == seed;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Structure(int seed)
    {
        Pair pair = new() { First = new Link(seed, null), Number = seed, Second = new Link(seed + 2, null), Text = seed.ToString("D4", null) };
        Pair copy = pair;
        Park();
        return copy.First.Is(seed) && copy.Second.Is(seed + 2) && pair.Number == seed && ReferenceEquals(pair.Text, copy.Text) && copy.Text == seed.ToString("D4", null);
    }

    public static bool Shared(int seed) => (seed & 1) == 0 ? SharedOver(new Link(seed, null), link => link.Is(seed)) : SharedOver(seed.ToString("D5", null), text => text == seed.ToString("D5", null));

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Guarded(int seed)
    {
        Link link = new(seed, null);
        bool isRight = false;
        try
        {
            Park();
            isRight = link.Is(seed);
        }
        finally
        {
            Park();
            isRight &= link.Is(seed);
        }

        return isRight;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Enumerated(int seed)
    {
        bool isRight = true;
        foreach (Link link in new[] { new Link(seed, null), new Link(seed, null) }.Where(each => each.Is(seed)).OrderBy(each => each.GetHashCode()))
        {
            Park();
            isRight &= link.Is(seed);
        }

        return isRight;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Inside(int seed)
    {
        byte[] bytes = Bytes(seed);
        ref byte inside = ref bytes[Size / 2];
        Link link = new(seed, null);
        Park();
        inside++;
        return link.Is(seed) && bytes[Size / 2] == (byte)(seed + 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool InsideOnly(int seed)
    {
        Span<byte> span = Bytes(seed).AsSpan(8, 8);
        ReadOnlySpan<char> text = seed.ToString("D9", null).AsSpan(2);
        Park();
        return span.IndexOfAnyExcept((byte)seed) < 0 && span.Length == 8 && text.SequenceEqual(seed.ToString("D9", null).AsSpan(2));
    }

    // Where the word leads decides the seed: the shape is learned from one, and used for the other.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool EitherRef(int seed)
    {
        int local = seed;
        ref int either = ref (seed % 3 == 0 ? ref new Link(seed, null).Value : ref local);
        Park();
        return either == seed;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool OnStack(int seed)
    {
        Span<byte> room = stackalloc byte[48];
        room.Fill((byte)seed);
        Link link = new(seed, null);
        Park();
        return link.Is(seed) && room.IndexOfAnyExcept((byte)seed) < 0;
    }

    public static bool Deep(int seed) => Deeper(seed, 6 + seed % 3, new Link(seed, null));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Deeper(int seed, int depth, Link above)
    {
        Link link = new(seed + depth, above);
        bool isRight = depth == 0 ? Plain(seed) && Inside(seed) : Deeper(seed, depth - 1, link);
        return isRight && link.Is(seed + depth) && link.Next!.Value >= seed;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool SharedOver<T>(T item, Func<T, bool> isRight)
        where T : class
    {
        List<T> list = [item];
        Park();
        return isRight(item) && ReferenceEquals(list[0], item) && typeof(T).Name.Length > 0;
    }

    internal sealed class Link(int value, Link? next)
    {
        private readonly byte[] _more = new byte[value & 31];
        private readonly int _check = value * 31;
        public int Value = value;

        public Link? Next { get; } = next;

        public bool Is(int wanted) => Value == wanted && _check == wanted * 31 && _more.Length == (wanted & 31);
    }

    private struct Pair
    {
        public Link First;
        public int Number;
        public Link Second;
        public string Text;
    }
}
