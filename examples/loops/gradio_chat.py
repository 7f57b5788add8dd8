"""A chat in Gradio: ``python gradio_chat.py``."""

import gradio as gr
from openai import OpenAI

from chatstore.core import ChatMemoryBuffer, ChatMessage, open_store, to_openai

memory = ChatMemoryBuffer(8000, open_store("sqlite:///chat.db"), "user:42")


def answer(text: str, _history: object) -> str | None:
    """Answer the user; the store has the history."""
    memory.put(ChatMessage(role="user", content=text))
    response = OpenAI().chat.completions.create(model="gpt-5", messages=to_openai(memory.get()))
    reply = response.choices[0].message.content
    memory.put(ChatMessage(role="assistant", content=reply))
    return reply


chatbot = gr.Chatbot(lambda: to_openai(memory.get_all()))  # what a page shows when it opens
gr.ChatInterface(answer, chatbot=chatbot).launch()
