using Microsoft.AspNetCore.Mvc;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>A controller of <see cref="HandlerTests"/> with synchronous actions.</summary>
[Route("controller")]
public sealed class NoteController : ControllerBase
{
    [HttpGet]
    public string Get() => HandlerTests.Wait();

    [HttpPost]
    public string Post([FromBody] Note note) => HandlerTests.Wait() + note.Text;

    [HttpPost("task")]
    public async Task<string> PostLaterAsync([FromBody] Note note)
    {
        await Task.Delay(5);
        return HandlerTests.Wait() + note.Text;
    }
}
