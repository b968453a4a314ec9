"""The chapters of the Guide, a module each, in the order they are read."""

from viz.pages.guide.chapters.ch01_purpose import CHAPTER as PURPOSE
from viz.pages.guide.chapters.ch02_tokens import CHAPTER as TOKENS
from viz.pages.guide.chapters.ch03_queries import CHAPTER as QUERIES
from viz.pages.guide.chapters.ch04_attention import CHAPTER as ATTENTION
from viz.pages.guide.chapters.ch05_heads import CHAPTER as HEADS
from viz.pages.guide.chapters.ch06_positions import CHAPTER as POSITIONS
from viz.pages.guide.chapters.ch07_encoder import CHAPTER as ENCODER
from viz.pages.guide.chapters.ch08_decoder import CHAPTER as DECODER
from viz.pages.guide.chapters.ch09_together import CHAPTER as TOGETHER
from viz.pages.guide.chapters.ch10_parallel import CHAPTER as PARALLEL
from viz.pages.guide.chapters.ch11_distance import CHAPTER as DISTANCE
from viz.pages.guide.chapters.ch12_cost import CHAPTER as COST
from viz.pages.guide.chapters.ch13_explanation import CHAPTER as EXPLANATION
from viz.pages.guide.chapters.ch14_code import CHAPTER as CODE
from viz.pages.guide.chapters.ch15_learning import CHAPTER as LEARNING
from viz.pages.guide.chapters.ch16_kinds import CHAPTER as KINDS
from viz.pages.guide.chapters.ch17_resting import CHAPTER as RESTING
from viz.pages.guide.chapters.ch18_pieces import CHAPTER as PIECES
from viz.pages.guide.chapters.ch19_sampling import CHAPTER as SAMPLING
from viz.pages.guide.chapters.ch20_cache import CHAPTER as CACHE
from viz.pages.guide.chapters.ch21_faults import CHAPTER as FAULTS

CHAPTERS = (
    *(PURPOSE, TOKENS, QUERIES, ATTENTION, HEADS, POSITIONS, ENCODER),
    *(DECODER, TOGETHER, PARALLEL, DISTANCE, COST, EXPLANATION, CODE),
    *(LEARNING, KINDS, RESTING, PIECES, SAMPLING, CACHE, FAULTS),
)
