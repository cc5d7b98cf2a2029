"""Asks an MCP endpoint what it has and calls tools, through the protocol's own SDK, and prints, as JSON, what it is
told. The arguments are the address and, as JSON, a list of calls: the name of a tool and its arguments."""

import asyncio
import json
import sys

from mcp import Client


async def ask(address, mode, calls):
    async with Client(address, mode=mode) as client:
        tools = await client.list_tools()
        resources = await client.list_resources()
        documents = [await client.read_resource(resource.uri) for resource in resources.resources]
        answers = []
        for name, arguments in calls:
            answer = await client.call_tool(name, arguments)
            text = "".join(part.text for part in answer.content)
            answers.append({"text": text, "failed": bool(answer.is_error)})
        return {
            "version": client.protocol_version,
            "server": client.server_info.name,
            "instructions": client.instructions,
            "tools": [tool.model_dump(by_alias=True, exclude_none=True) for tool in tools.tools],
            "resources": [resource.uri for resource in resources.resources],
            "documents": [document.contents[0].text for document in documents],
            "answers": answers,
        }


async def main():
    address, calls = sys.argv[1], json.loads(sys.argv[2])
    # As clients have begun from the first version on, and as the newest ones find out what the server knows.
    told = {mode: await ask(address, mode, calls) for mode in ("legacy", "auto")}
    print(json.dumps(told))


asyncio.run(main())
