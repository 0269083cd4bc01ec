using NativeGreenlet.Fuzz.Traces;

namespace NativeGreenlet.Fuzz.Supervision;

/// <summary>A file of seeds that once failed: one to a line, with the runtime's settings, and after a # what it was.</summary>
internal static class SeedsFile
{
    private const string Place = "tests/fuzz/seeds.txt";

    /// <summary>Reads one.</summary>
    /// <exception cref="FormatException">A line makes no sense.</exception>
    public static IEnumerable<(ulong Seed, RuntimeSetting Setting)> Read(string path)
    {
        foreach (string line in File.ReadLines(path))
        {
            string[] words = line.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
            {
                continue;
            }

            if (!SeedSequence.TryParse(words[0], out ulong seed) || words.Skip(1).Any(word => !word.Contains('=')))
            {
                throw new FormatException($"{path}: a line must be a seed and NAME=VALUE pairs, not '{line}'");
            }

            yield return (seed, new RuntimeSetting([.. words.Skip(1).Select(word => (word[..word.IndexOf('=')], word[(word.IndexOf('=') + 1)..]))]));
        }
    }

    /// <summary>Adds a seed to the file in the sources, if this is run from them.</summary>
    public static void Keep(ulong seed, RuntimeSetting setting, string what)
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            string path = Path.Combine(directory.FullName, Place);
            if (File.Exists(path))
            {
                if (Read(path).All(kept => kept.Seed != seed))
                {
                    File.AppendAllText(path, $"{SeedSequence.Format(seed)} {setting}# {what}\n");
                    Console.WriteLine($"added to {Place}");
                }

                return;
            }
        }
    }
}
