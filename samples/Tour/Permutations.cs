namespace NativeGreenlet.Tour;

/// <summary>Backtracking that yields each solution where it is found; the consumer stops when it has seen enough.</summary>
internal static class Permutations
{
    public static void Run()
    {
        GreenletGenerator<string> permutations = new(() => Permute("abcd".ToCharArray(), 0));
        Console.WriteLine(string.Join(' ', permutations.Take(8)));
        Console.WriteLine($"{permutations.Count()} in all");
    }

    private static void Permute(char[] items, int fixedCount)
    {
        if (fixedCount == items.Length)
        {
            GreenletGenerator<string>.Yield(new string(items));
            return;
        }

        for (int i = fixedCount; i < items.Length; i++)
        {
            (items[fixedCount], items[i]) = (items[i], items[fixedCount]);
            Permute(items, fixedCount + 1);
            (items[fixedCount], items[i]) = (items[i], items[fixedCount]);
        }
    }
}
