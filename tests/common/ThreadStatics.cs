namespace NativeGreenlet.Common;

/// <summary>Thread-static fields of many types. The runtime keeps those of the first few types in the thread's own memory, and
/// those of all others in arrays on the heap, which the collector moves.</summary>
internal static class ThreadStatics
{
    /// <summary>Uses the fields of enough types that those of no other one find room in the thread's own memory.</summary>
    public static long UseUp() =>
        Fields<byte>.Use() + Fields<sbyte>.Use() + Fields<short>.Use() + Fields<ushort>.Use() + Fields<int>.Use() + Fields<uint>.Use()
        + Fields<long>.Use() + Fields<ulong>.Use() + Fields<char>.Use() + Fields<bool>.Use() + Fields<float>.Use() + Fields<double>.Use()
        + Numbers.Use() + MoreNumbers.Use() + Addresses.Use() + MoreAddresses.Use() + Small.Use() + Smaller.Use() + Smallest.Use() + Last.Use();

    private static class Fields<T>
    {
        [ThreadStatic]
        private static long t_value;

        public static long Use() => ++t_value;
    }

    private static class Numbers
    {
        [ThreadStatic]
        private static long t_value;

        public static long Use() => ++t_value;
    }

    private static class MoreNumbers
    {
        [ThreadStatic]
        private static long t_value;

        public static long Use() => ++t_value;
    }

    private static class Addresses
    {
        [ThreadStatic]
        private static nint t_value;

        public static long Use() => ++t_value;
    }

    private static class MoreAddresses
    {
        [ThreadStatic]
        private static nint t_value;

        public static long Use() => ++t_value;
    }

    private static class Small
    {
        [ThreadStatic]
        private static int t_value;

        public static long Use() => ++t_value;
    }

    private static class Smaller
    {
        [ThreadStatic]
        private static int t_value;

        public static long Use() => ++t_value;
    }

    private static class Smallest
    {
        [ThreadStatic]
        private static short t_value;

        public static long Use() => ++t_value;
    }

    private static class Last
    {
        [ThreadStatic]
        private static byte t_value;

        public static long Use() => ++t_value;
    }
}
